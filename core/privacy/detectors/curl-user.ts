import type { View } from '../view.ts';
import { matchAt, type Detector, type Found } from './detector.ts';
import { isPlaceholder } from './entropy.ts';

const rank = 55;

/** The password of `curl -u user:password` and of `sshpass -p password`. */
export const curlUserDetector: Detector = {
  anchors: ['-u ', '-u=', '-u"', "-u'", '--user ', '--user=', 'sshpass -p'].map((text) => ({ text })),
  find: (view, start) => passwordAt(view, start),
};

const option = /-(?:u|-user)[ =]{0,3}["']{0,2}[^\s:"']{0,100}:([^\s"']{3,200})/y;

const sshpass = /sshpass -p ?["']?([^\s"'$<{][^\s"']{2,200})/iy;

function passwordAt(view: View, start: number): Found | undefined {
  const { text } = view;
  const given = matchAt(sshpass, text, start);
  if (given !== null) {
    const end = start + given[0].length;
    const from = end - (given[1] ?? '').length;
    return isPlaceholder(given[1] ?? '') ? undefined : { type: 'SECRET', start: from, end, rank };
  }
  const found = matchAt(option, text, start);
  const password = found?.[1] ?? '';
  if (found === null || password.startsWith('//') || isPlaceholder(password) || /^[$<{]/.test(password))
    return undefined;
  const line = text.slice(Math.max(0, start - 512, text.lastIndexOf('\n', start) + 1), start);
  if (!line.includes('curl')) return undefined;
  const end = start + found[0].length;
  return { type: 'SECRET', start: end - password.length, end, rank };
}
