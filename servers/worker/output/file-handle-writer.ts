import { createHash } from 'node:crypto';
import type { HandleRecord } from '../../../schemas/handle.ts';
import { failpoint } from '../../../platform/failpoint.ts';
import { errnoOf, openForAppend, writeFully } from './handle-files.ts';
import type { HandleWriter } from './handle-store.ts';
import { LineIndex } from './line-index.ts';

/** Appends to one file, keeping hash and line index in step with what the disk has taken. */
export class FileHandleWriter implements HandleWriter {
  readonly index = new LineIndex();
  readonly #created: HandleRecord;
  readonly #path: string;
  readonly #hash = createHash('sha256');
  readonly #onSealed: (record: HandleRecord) => void;
  #fd: number | undefined;
  #failed: string | undefined;
  #sealed: HandleRecord | undefined;

  constructor(created: HandleRecord, path: string, onSealed: (record: HandleRecord) => void) {
    this.#created = created;
    this.#path = path;
    this.#onSealed = onSealed;
  }

  get handle_id(): string {
    return this.#created.handle_id;
  }

  get bytes(): number {
    return this.index.bytes;
  }

  get lines(): number {
    return this.index.lines;
  }

  get failed(): string | undefined {
    return this.#failed;
  }

  /** Open while the handle is: reads need no second descriptor. */
  get fd(): number | undefined {
    return this.#fd;
  }

  append(chunk: Uint8Array): void {
    if (this.#failed !== undefined || this.#sealed !== undefined || chunk.length === 0) return;
    const fd = this.#open();
    if (fd === undefined) return;
    failpoint('handle.bytes.before');
    failpoint('handle.bytes.torn', () => writeFully(fd, chunk.subarray(0, chunk.length / 2)));
    const { written, errno } = writeFully(fd, chunk);
    failpoint('handle.bytes.after');
    this.#failed = errno;
    const kept = written === chunk.length ? chunk : chunk.subarray(0, written);
    this.index.push(kept);
    this.#hash.update(kept);
  }

  record(): HandleRecord {
    return this.#sealed ?? { ...this.#created, bytes: this.bytes, lines: this.lines };
  }

  seal(options: { truncated: boolean }): Promise<HandleRecord> {
    if (this.#sealed === undefined) {
      this.#sealed = {
        ...this.record(),
        state: 'sealed',
        sha256: this.#hash.digest('hex'),
        truncated: options.truncated || this.#failed !== undefined,
      };
      this.#onSealed(this.#sealed);
    }
    return Promise.resolve(this.#sealed);
  }

  #open(): number | undefined {
    try {
      this.#fd ??= openForAppend(this.#path);
    } catch (error) {
      this.#failed = errnoOf(error);
    }
    return this.#fd;
  }
}
