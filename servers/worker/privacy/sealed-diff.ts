import { appendFileSync, closeSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { isGenuine, type Mac } from '../../../core/privacy/surrogate.ts';
import { findSurrogates } from '../../../core/privacy/surrogate-scan.ts';
import { createSealer } from '../../../platform/privacy/sealing.ts';
import { frameContext, lengthBytes } from '../../../schemas/privacy.ts';
import { diffFile } from './sealed-files.ts';

/** A diff as it is, beside the guarded one that readers see. */
export interface DiffKeeper {
  add(chunk: Uint8Array): void;
  /** Whether a line was added that has a surrogate of the task where a value belongs. */
  readonly hasSurrogates: boolean;
  /** Kept for its coordinator alone to read; or, where nothing private was in it, not at all. */
  end(keep: boolean): void;
}

export interface DiffKeeperOptions {
  dir: string;
  run_id: string;
  task_id: string;
  publicKey: Uint8Array;
  mac: Mac;
}

const frameBytes = 256 * 1024;
/** Of a longer line only its beginning is looked at for surrogates, at the least this much. */
const lineBytes = 1024 * 1024;

export function createDiffKeeper({ dir, run_id, task_id, publicKey, mac }: DiffKeeperOptions): DiffKeeper {
  const file = diffFile(dir, run_id);
  const sealer = createSealer(publicKey);
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let frames = 0;
  let line = '';
  let hasSurrogates = false;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  rmSync(file, { force: true });

  function write(isLast: boolean): void {
    const box = sealer.seal(Buffer.concat(waiting), frameContext(task_id, run_id, frames, isLast));
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32LE(box.length);
    appendFileSync(file, Buffer.concat([frames === 0 ? sealer.ephemeral : Buffer.alloc(0), length, box]), {
      mode: 0o600,
    });
    frames += 1;
    waiting = [];
    waitingBytes = 0;
  }
  function look(text: string): void {
    if (!text.startsWith('+')) return;
    hasSurrogates ||= findSurrogates(text).some(({ type, body }) => isGenuine(mac, type, body));
  }
  return {
    get hasSurrogates() {
      return hasSurrogates;
    },
    add(chunk) {
      waiting.push(Buffer.from(chunk));
      waitingBytes += chunk.length;
      const lines = (line + Buffer.from(chunk).toString('latin1')).split('\n');
      line = lines.pop() ?? '';
      lines.forEach(look);
      if (line.length > lineBytes) {
        look(line);
        line = line.slice(0, 1);
      }
      if (waitingBytes >= frameBytes) write(false);
    },
    end(keep) {
      look(line);
      if (keep) write(true);
      else rmSync(file, { force: true });
    },
  };
}

/** Part of what is kept, from a byte on; undefined where nothing is. */
export function readDiffFile(file: string, from: number, most: number): Buffer | undefined {
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
