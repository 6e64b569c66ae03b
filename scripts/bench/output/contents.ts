import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const blockBytes = 1 << 20;

export interface Contents {
  /** Log-like lines of some 140 bytes. */
  lines: string;
  /** Half of them. */
  halfOfLines: string;
  /** No newline at all. */
  oneLine: string;
  /** Nothing but newlines. */
  emptyLines: string;
  /** A line nobody printed before, so that no two outputs are the same. */
  stamp(): string;
}

/** Files of so many megabytes each, for commands to print. */
export function makeContents(dir: string, megabytes: number): Contents {
  const fill = (name: string, block: (at: number) => Buffer, blocks = megabytes): string => {
    const file = join(dir, name);
    const fd = openSync(file, 'w');
    for (let at = 0; at < blocks; at += 1) writeSync(fd, block(at));
    closeSync(fd);
    return file;
  };
  let stamps = 0;
  return {
    lines: fill('lines', logBlock),
    halfOfLines: fill('half-of-lines', logBlock, Math.ceil(megabytes / 2)),
    oneLine: fill('one-line', () => Buffer.alloc(blockBytes, 'abcdefgh')),
    emptyLines: fill('empty-lines', () => Buffer.alloc(blockBytes, '\n')),
    stamp: () => {
      stamps += 1;
      const file = join(dir, `stamp-${String(stamps)}`);
      writeFileSync(file, `output ${String(stamps)} of ${String(Date.now())}\n`);
      return file;
    },
  };
}

function logBlock(at: number): Buffer {
  let text = '';
  for (let line = 0; text.length < blockBytes; line += 1) {
    const id = at * 8_000 + line;
    const level = id % 97 === 0 ? 'WARN ' : 'INFO ';
    text += `2026-01-01T00:00:00.${String(id % 1000).padStart(3, '0')}Z ${level} worker-${String(id % 13)} handled request ${String(id)} for /api/v1/items/${String((id * 7919) % 100_003)} in ${String(id % 250)} ms, cache miss\n`;
  }
  return Buffer.from(text.slice(0, blockBytes - 1) + '\n');
}
