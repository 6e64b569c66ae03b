/** DER (X.690), as much of it as certificates take. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  shortTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value of any tag: its length goes before what it holds. */
export function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

function lengthOf(bytes: number): number[] {
  if (bytes < 0x80) return [bytes];
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [0x80 | digits.length, ...digits];
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tagged(tags.sequence, ...parts);
export const setOf = (...parts: readonly Uint8Array[]): Buffer => tagged(tags.set, ...parts);
export const octets = (...parts: readonly Uint8Array[]): Buffer => tagged(tags.octets, ...parts);
export const utf8 = (text: string): Buffer => tagged(tags.utf8, Buffer.from(text));
export const yes = tagged(tags.boolean, Buffer.from([0xff]));

/** Bits of whole bytes, but for `unused` at their end. */
export const bits = (bytes: Uint8Array, unused = 0): Buffer =>
  tagged(tags.bits, Buffer.from([unused]), bytes);

/** Not negative; a first bit that is set would make it so. */
export function integer(bytes: Uint8Array): Buffer {
  const isHigh = ((bytes[0] ?? 0) & 0x80) !== 0;
  return tagged(tags.integer, Buffer.from(isHigh ? [0] : []), bytes);
}

/** `1.2.840.…` */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tagged(tags.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const digits = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
    digits.unshift(0x80 | (rest % 128));
  return digits;
}

/** To the second; of two digits' year before 2050 (RFC 5280, 4.1.2.5). */
export function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().replaceAll(/[-:T]|\..*/g, '')}Z`;
  const isShort = Number(digits.slice(0, 4)) < 2_050;
  return tagged(isShort ? tags.shortTime : tags.time, Buffer.from(isShort ? digits.slice(2) : digits));
}
