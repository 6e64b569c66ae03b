import type { Writable } from 'node:stream';

/** Writes a message and its newline in one go, without copying the message; false: wait for `drain`. */
export function writeLine(stream: Writable, line: Buffer | string): boolean {
  stream.cork();
  stream.write(line);
  const taken = stream.write('\n');
  stream.uncork();
  return taken;
}
