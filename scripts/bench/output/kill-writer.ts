import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const writer = path('../../../test/fixtures/append-forever.mjs');
const built = path('../../../dist/servers/worker/output/file-handle-store.js');
const run = 'run_V1StGXR8Z5jdHi6BmyT01';

export interface KillFound {
  /** What was left of the output. */
  bytes: number;
  /** Lines whose beginning was compared. */
  compared: number;
  /** What was not as it should be. */
  faults: string[];
}

/** Kills a process that stores an endless output once it has told of so many bytes, and opens what it left. */
export async function killWriter(dir: string, position: number): Promise<KillFound> {
  const child = spawn(process.execPath, [writer, built, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    told = Number(chunk.toString().trimEnd().split('\n').at(-1));
    if (told >= position) child.kill('SIGKILL');
  });
  await once(child, 'close');

  const store = await openFileHandleStore(dir);
  const [record] = store.ofRun(run);
  if (record === undefined)
    return { bytes: 0, compared: 0, faults: [`nothing is left of ${String(told)} bytes`] };
  const content = await store.read(record.handle_id, 0, 1e9);
  const wanted = endlessStream(content.length);
  const faults: string[] = [];
  const check = (isSo: boolean, fault: string): void => {
    if (!isSo) faults.push(`killed at ${String(position)}: ${fault}`);
  };
  check(content.length >= told, `${String(told)} bytes were taken, ${String(content.length)} are left`);
  check(wanted.equals(content), 'what is left is no prefix of the output');
  check(record.state === 'sealed' && record.truncated, 'it is not marked as truncated');
  check(record.bytes === content.length, 'its size is wrong');
  check(record.sha256 === createHash('sha256').update(wanted).digest('hex'), 'its hash is wrong');
  const starts = lineStarts(wanted);
  check(record.lines === starts.length, 'its number of lines is wrong');
  const lines = [1, 2, 255, 256, 257, starts.length, starts.length + 1];
  for (let count = 0; count < 50; count += 1) lines.push(1 + Math.floor(Math.random() * starts.length));
  for (const line of lines) {
    const offset = await store.lineOffset(record.handle_id, line);
    check(offset === (starts[line - 1] ?? content.length), `line ${String(line)} begins elsewhere`);
  }
  const again = (await openFileHandleStore(dir)).ofRun(run);
  check(JSON.stringify(again) === JSON.stringify([record]), 'the next process finds something else');
  return { bytes: content.length, compared: lines.length, faults };
}

/** What the writer writes. */
function endlessStream(bytes: number): Buffer {
  const pieces: string[] = [];
  for (let piece = 0, length = 0; length < bytes; piece += 1) {
    const text = `piece ${String(piece)} ${'.'.repeat(piece % 97)}\n`.repeat((piece % 7) + 1);
    pieces.push(text);
    length += text.length;
  }
  return Buffer.from(pieces.join('').slice(0, bytes));
}

function lineStarts(content: Buffer): number[] {
  const starts = content.length > 0 ? [0] : [];
  for (let at = content.indexOf(10); at !== -1 && at + 1 < content.length; at = content.indexOf(10, at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}
