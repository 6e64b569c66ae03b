const newline = 10;
/** Bytes looked at one by one before the search is handed to native code, which costs ~25 ns a call. */
const nearBytes = 16;

/** Position of the next newline at or after `from`, or -1. Fast for short lines and for long ones. */
export function nextNewline(bytes: Buffer, from: number): number {
  const near = Math.min(from + nearBytes, bytes.length);
  for (let at = from; at < near; at += 1) {
    if (bytes[at] === newline) return at;
  }
  return near === bytes.length ? -1 : bytes.indexOf(newline, near);
}

/** Newlines in `[from, to)`. */
export function countNewlines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  let at = nextNewline(bytes, from);
  while (at !== -1 && at < to) {
    count += 1;
    at = nextNewline(bytes, at + 1);
  }
  return count;
}

/** The same bytes as a Buffer, without copying them. */
export function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
