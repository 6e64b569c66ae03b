import { appendFileSync, closeSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { isGenuine, type Mac } from '../../../core/privacy/surrogate.ts';
import { findSurrogates } from '../../../core/privacy/surrogate-scan.ts';
import { failpoint } from '../../../platform/failpoint.ts';
import { createSealer, type Sealer } from '../../../platform/privacy/sealing.ts';
import { frameContext, lengthBytes, type OriginalName } from '../../../schemas/privacy.ts';
import { originalFile } from './sealed-files.ts';

/** What has to be kept to the byte, beside the guarded form that readers see. */
export interface OriginalKeeper {
  add(chunk: Uint8Array): void;
  /** Whether a line was added that has a surrogate of the task where a value belongs. */
  readonly hasSurrogates: boolean;
  /**
   * Kept for its coordinator alone to read; or, where nothing private was in it, not at all. False where it
   * should be kept and nobody could ever open it.
   */
  end(keep: boolean): boolean;
}

export interface OriginalKeeperOptions {
  dir: string;
  run_id: string;
  task_id: string;
  name: OriginalName;
  /** undefined: nothing can be kept. */
  publicKey: Uint8Array | undefined;
  mac: Mac;
}

const frameBytes = 256 * 1024;
/** Of a longer line only its beginning is looked at for surrogates, at the least this much. */
const lineBytes = 1024 * 1024;

export function createOriginalKeeper(options: OriginalKeeperOptions): OriginalKeeper {
  const { dir, run_id, task_id, name, publicKey, mac } = options;
  const file = originalFile(dir, run_id, name);
  const isDiff = name === 'diff';
  const sealer = publicKey && createSealer(publicKey);
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let frames = 0;
  let line = '';
  let hasSurrogates = false;
  rmSync(file, { force: true });

  function write(sealer: Sealer, isLast: boolean): void {
    if (frames === 0) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const box = sealer.seal(Buffer.concat(waiting), frameContext(task_id, run_id, name, frames, isLast));
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32LE(box.length);
    const bytes = Buffer.concat([frames === 0 ? sealer.ephemeral : Buffer.alloc(0), length, box]);
    const append = (part: Buffer): void => {
      appendFileSync(file, part, { mode: 0o600 });
    };
    failpoint('sealed.frame.before');
    failpoint('sealed.frame.torn', () => {
      append(bytes.subarray(0, bytes.length / 2));
    });
    append(bytes);
    failpoint('sealed.frame.after');
    frames += 1;
    waiting = [];
    waitingBytes = 0;
  }
  /** What a diff takes away, and what stands round it, was there before. */
  function look(text: string): void {
    if (isDiff && !text.startsWith('+')) return;
    hasSurrogates ||= findSurrogates(text).some(({ type, body }) => isGenuine(mac, type, body));
  }
  return {
    get hasSurrogates() {
      return hasSurrogates;
    },
    add(chunk) {
      const lines = (line + Buffer.from(chunk).toString('latin1')).split('\n');
      line = lines.pop() ?? '';
      lines.forEach(look);
      if (line.length > lineBytes) {
        look(line);
        line = line.slice(0, 1);
      }
      if (sealer === undefined) return;
      waiting.push(Buffer.from(chunk));
      waitingBytes += chunk.length;
      if (waitingBytes >= frameBytes) write(sealer, false);
    },
    end(keep) {
      look(line);
      if (keep && sealer !== undefined) write(sealer, true);
      else rmSync(file, { force: true });
      return !keep || sealer !== undefined;
    },
  };
}

/** Part of what is kept, from a byte on; undefined where nothing is. */
export function readOriginal(file: string, from: number, most: number): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const memory = Buffer.alloc(most);
    return memory.subarray(0, readSync(fd, memory, 0, most, from));
  } finally {
    closeSync(fd);
  }
}
