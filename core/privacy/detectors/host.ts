import { foldAscii } from '../characters.ts';
import type { View } from '../view.ts';
import { matchAt, type Detector, type Found } from './detector.ts';
import { isTopLevel } from './email.ts';

const rank = 10;

/** Names of hosts in URLs and after `host=`, `hostname:` and the like. A bare `a.b` is too often code. */
export const hostDetector: Detector = {
  anchors: [{ text: '://' }, { text: 'host' }, { text: 'server' }, { text: 'node=' }],
  find: (view, start, end) => hostAt(view, start, end),
};

const lead =
  /:\/\/(?:[^\s/@"'<>]{0,256}@)?|(?:host(?:name)?|server(?:name)?|node)["']?[ \t]{0,2}[=:][ \t]{0,2}["']?/iy;
const host =
  /(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9-]{1,24}(?![a-z0-9_.-]*[a-z0-9_(])/iy;

function hostAt(view: View, start: number, end: number): Found | undefined {
  const opened = matchAt(lead, view.text, start)?.[0].length ?? end - start;
  const found = matchAt(host, view.text, start + opened)?.[0];
  if (found === undefined || !isTopLevel(found.slice(found.lastIndexOf('.') + 1))) return undefined;
  const from = start + opened;
  return { type: 'HOST', start: from, end: from + found.length, rank, value: foldAscii(found) };
}
