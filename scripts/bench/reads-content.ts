import { spawnSync } from 'node:child_process';
import { openSync, readSync, closeSync } from 'node:fs';
import type { HandleStore } from '../../servers/worker/output/handle-store.ts';

export const needle = 'NEEDLE-ABC';
const levels = ['INFO', 'DEBUG', 'WARN', 'ERROR'];
const linesAtOnce = 8_192;

/** Log-like lines of about 130 bytes from a seeded generator, ten of them with the needle; fills a handle. */
export async function fillHandle(store: HandleStore, bytes: number): Promise<string> {
  const writer = store.create({
    run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
    stage: 'log',
    stream: 'stdout',
    media_type: 'text/plain',
    now: Date.now(),
  });
  let seed = 12_345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  let needles = 0;
  while (writer.bytes < bytes) {
    let text = '';
    for (let line = 0; line < linesAtOnce; line += 1) {
      text +=
        `2026-11-22T10:${10 + random(50)}:${10 + random(50)}.${100 + random(900)}Z ${levels[random(37) === 0 ? 3 : random(3)] ?? ''} ` +
        `worker-${random(64)} handled request ${random(16_777_216).toString(16)} path=/api/v1/items/${random(100_000)} ` +
        `user=u${random(5_000)} took ${random(900)} ms status=${random(23) === 0 ? 500 : 200} bytes=${random(90_000)}\n`;
    }
    if (writer.bytes >= ((needles + 1) * bytes) / 11) {
      needles += 1;
      text += `at ${needles} the ${needle} lies\n`;
    }
    writer.append(Buffer.from(text));
  }
  return (await writer.seal({ truncated: false })).handle_id;
}

/** A bare search of a file by ripgrep or, where that is not installed, by Buffer.indexOf; ms, the best of three. */
export function bareSearch(file: string, pattern: string): { ms: number; by: string } {
  const hasRipgrep = spawnSync('rg', ['--version']).status === 0;
  const once = hasRipgrep ? () => ripgrep(file, pattern) : () => indexOf(file, pattern);
  const times = [1, 2, 3].map(() => {
    const begun = performance.now();
    once();
    return performance.now() - begun;
  });
  return { ms: Math.min(...times), by: hasRipgrep ? 'ripgrep' : 'Buffer.indexOf (ripgrep is not installed)' };
}

function ripgrep(file: string, pattern: string): void {
  const { status } = spawnSync('rg', ['--count', '--no-config', '-e', pattern, file]);
  if (status !== 0 && status !== 1) throw new Error(`ripgrep ended with ${String(status)}`);
}

function indexOf(file: string, text: string): void {
  const fd = openSync(file, 'r');
  const block = Buffer.allocUnsafe(1 << 20);
  for (;;) {
    const read = readSync(fd, block, 0, block.length, null);
    if (read === 0) break;
    const bytes = block.subarray(0, read);
    for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1));
  }
  closeSync(fd);
}
