import type { Detection } from './detect.ts';
import type { Finding } from './finding.ts';
import { isTopLevel } from './detectors/email.ts';
import { keyShapes } from './detectors/secret-prefixes.ts';

/**
 * Which lines have to be read together, decided line by line: keys between their marks, base64 over
 * several lines, line ends that only continue, and values that a line's end has cut in two.
 */
export type Block = 'pem' | 'base64' | 'soft' | 'cut';

const opensPem =
  /-----BEGIN ?[A-Z0-9 ]{0,48}PRIVATE KEY(?: BLOCK)?-----(?![^]*-----END)|^PuTTY-User-Key-File-/;
const base64Line = /^[ \t>]{0,8}[A-Za-z0-9+/_-]{40,}={0,2}\r?\n?$/;
const base64Rest = /^[ \t>]{0,8}[A-Za-z0-9+/_-]{1,}={0,2}\r?\n?$/;
/** A long run before the `=` is base64 with its padding. */
const softEnd = /(?:\\|(?<![A-Za-z0-9+/]{20})(?<!=)=)\r?\n$/;
const pemLine =
  /^[ \t>|+#*"'-]{0,12}(?:[A-Za-z0-9+/=]{0,120}|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|Encryption|Public-Lines|Private-Lines|Private-MAC|Private-Hash|Key-Derivation|Argon2-[A-Za-z]+): ?[^\n]{0,120})(?:["',]|\\n|\\|\+|\s)*$/;
const pemEnd = /-----END ?[A-Z0-9 ]{0,48}PRIVATE KEY(?: BLOCK)?-----|^Private-MAC:/;

/** The block that a line opens; `undefined` for one that is read alone. */
export function opens(line: string): Block | undefined {
  if (!line.endsWith('\n')) return undefined;
  if (line.includes('-----BEGIN') ? opensPem.test(line) : line.startsWith('PuTTY')) return 'pem';
  if (softEnd.test(line)) return 'soft';
  if (base64Line.test(line)) return 'base64';
  return isCut(line) ? 'cut' : undefined;
}

/** Whether the next line belongs to the block, and whether another may after it. */
export function continues(block: Block, line: string, before: string): 'no' | 'more' | 'last' {
  switch (block) {
    case 'pem':
      if (pemEnd.test(line)) return 'last';
      return pemLine.test(line) ? 'more' : 'no';
    case 'base64':
      if (base64Line.test(line)) return 'more';
      return base64Rest.test(line) ? 'last' : 'no';
    case 'soft':
      return softEnd.test(line) ? 'more' : 'last';
    case 'cut':
      return completes(before, line);
  }
}

/** Where the line ends are that a value may go on over. */
export function joinsOf(block: Block, text: string): number[] {
  if (block === 'pem' || block === 'soft') return [];
  const joins: number[] = [];
  for (let at = text.indexOf('\n'); at !== -1 && at < text.length - 1; at = text.indexOf('\n', at + 1)) {
    joins.push(text[at - 1] === '\r' ? at - 1 : at);
  }
  return joins;
}

/** What is broken at a column is broken no nearer. */
const leastBroken = 60;
/** What goes on in the next line is more of a value than this, its line end included. */
const leastRest = 6;

/**
 * What is in lines that may go on in each other: read as one, and each by itself. Keys one a line are not one
 * key, so that a value that is whole in its line stays so, unless that line may have been broken right there.
 */
export function joinedFindings(
  detection: Detection,
  bytes: Uint8Array,
  text: string,
  joins: readonly number[],
): Finding[] {
  const joined = detection.findings(bytes, joins);
  if (joins.length === 0) return joined;
  const alone = detection.findings(bytes);
  const isBroken = ({ end }: Finding): boolean =>
    joins.includes(end) && end - (text.lastIndexOf('\n', end - 1) + 1) >= leastBroken;
  const kept = joined.filter((one) => {
    const [first, ...more] = alone.filter((other) => meet(one, other));
    if (one.encoding === 'base64' || first === undefined) return true;
    return more.length === 0 && isBroken(first) && one.end - first.end >= leastRest;
  });
  const rest = alone.filter((one) => !kept.some((other) => meet(one, other)));
  return [...kept, ...rest].toSorted((a, b) => a.start - b.start);
}

function meet(a: Finding, b: Finding): boolean {
  return a.start < b.end && b.start < a.end;
}

const addressTail = /[\w.%+-]@((?:[A-Za-z][\w.-]{0,200})?)\r?\n$/;
const jwtTail = /(?:^|[^\w.-])eyJ[\w-]{8,}(?:\.[\w-]*)?\r?\n$/;
const prefixTail = new RegExp(
  `(?:^|[^A-Za-z0-9_-])(${keyShapes
    .filter(({ prefix }) => prefix.length >= 4)
    .map(({ prefix }) => prefix.replace(/[$.*+?^()[\]{}|/]/g, String.raw`\$&`))
    .join('|')})([\\w-]{0,200})\\r?\\n$`,
);
const leastAfter = new Map(keyShapes.map((shape) => [shape.prefix, shape.least]));

/** Whether a line ends in the middle of an address or a key: what is there is none yet. */
function isCut(line: string): boolean {
  const stop = line.charCodeAt(line.length - 2) === 13 ? line.length - 2 : line.length - 1;
  if (!/[\w.@=%+-]/.test(line.charAt(stop - 1))) return false;
  let from = stop;
  const least = Math.max(0, stop - 320);
  while (from > least && line.charCodeAt(from - 1) > 0x20) from -= 1;
  const tail = line.slice(from);
  const address = addressTail.exec(tail);
  if (address !== null) {
    const host = address[1] ?? '';
    const last = host.slice(host.lastIndexOf('.') + 1);
    return !host.includes('.') || !isTopLevel(last);
  }
  if (jwtTail.test(tail)) return true;
  const key = prefixTail.exec(tail);
  return key !== null && (key[2] ?? '').length < (leastAfter.get(key[1] ?? '') ?? 0);
}

/** Whether what a line cut goes on in the next one, to an address or key that is whole or still more of it. */
function completes(before: string, line: string): 'no' | 'more' | 'last' {
  const tail = before.slice(-320).trimEnd();
  const head = /^[\w.%+/=-]+/.exec(line)?.[0] ?? '';
  if (head === '') return 'no';
  if (/eyJ[\w-]+(?:\.[\w-]*)*$/.test(tail))
    return line.trimEnd() === head && head.length > 40 ? 'more' : 'last';
  const host = /@([\w.-]*)$/.exec(tail)?.[1];
  if (host === undefined) return /\d/.test(head) && head.length >= 6 ? 'last' : 'no';
  const whole = (host + head).replace(/[.-]+$/, '');
  return whole.includes('.') && isTopLevel(whole.slice(whole.lastIndexOf('.') + 1)) ? 'last' : 'no';
}
