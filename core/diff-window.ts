/** Bytes of either content compared at a time, and lines: longer lines are compared in pieces. */
export const windowBytes = 256 * 1024;
const windowLines = 4_000;

/** Lines at the beginning of a stretch of bytes. */
export interface LineWindow {
  bytes: Buffer;
  /** Where each line begins, and where the last one ends. */
  offsets: number[];
}

/** Cuts whole lines; one longer than a window counts as lines of a window each. `isEnd`: nothing follows the bytes. */
export function cutWindow(bytes: Buffer, isEnd: boolean): LineWindow {
  const offsets = [0];
  let at = 0;
  while (at < bytes.length && offsets.length <= windowLines) {
    const newline = bytes.indexOf(10, at);
    if (newline === -1 && !isEnd && at > 0) break;
    at = newline === -1 ? bytes.length : newline + 1;
    offsets.push(at);
  }
  return { bytes, offsets };
}

/** Bytes at the beginning of both, up to the end of a line, that are the same. */
export function commonLines(a: Buffer, b: Buffer): number {
  let same = 0;
  let different = Math.min(a.length, b.length) + 1;
  while (same + 1 < different) {
    const middle = Math.floor((same + different) / 2);
    if (a.compare(b, same, middle, same, middle) === 0) same = middle;
    else different = middle;
  }
  if (same === a.length && same === b.length) return same;
  return a.subarray(0, same).lastIndexOf(10) + 1;
}

/** Gives equal lines equal numbers. */
export function numberLines(windows: readonly LineWindow[]): number[][] {
  const numbers = new Map<string, number>();
  return windows.map(({ bytes, offsets }) =>
    offsets.slice(0, -1).map((from, line) => {
      const text = bytes.toString('latin1', from, offsets[line + 1]);
      const known = numbers.get(text);
      if (known !== undefined) return known;
      numbers.set(text, numbers.size);
      return numbers.size - 1;
    }),
  );
}
