import { createHash } from 'node:crypto';
import { closeSync, rmSync } from 'node:fs';
import type { Blobs } from '../../../platform/blobs/blobs.ts';
import { errnoOf } from '../../../platform/blobs/plain-file.ts';
import { failpoint } from '../../../platform/failpoint.ts';
import type { HandleRecord } from '../../../schemas/handle.ts';
import { ContentHash } from './content-hash.ts';
import { openForAppend, writeFully } from './handle-files.ts';
import type { HandleWriter } from './handle-store.ts';
import { LineIndex } from './line-index.ts';

/** Up to this size a content lies in the journal: no file is made for it. */
export const inlineBytes = 4096;
/** Each append writes all of an inline content again: past this number it gets a file. */
const inlineAppends = 8;

/** What a writer has the store do. */
export interface WriterHooks {
  /** Writes down that there is the handle, with its content where that is inline. The errno where it failed. */
  opened: (record: HandleRecord, inline: Buffer | undefined) => string | undefined;
  sealed: (record: HandleRecord, inline: Buffer | undefined) => void;
  /** Whether an inline content is stored already, so that neither of the above stores it again. */
  repeats: (inline: Buffer) => boolean;
}

/**
 * Appends one output: first to the journal, to a file of its own once it is larger. Hash and line index
 * keep step with what the disk has taken.
 */
export class FileHandleWriter implements HandleWriter {
  readonly index = new LineIndex();
  readonly #created: HandleRecord;
  readonly #path: string;
  readonly #blobs: Blobs | undefined;
  readonly #hooks: WriterHooks;
  #inline: Buffer | undefined = Buffer.alloc(0);
  #appends = 0;
  #file: { fd: number; hash: ContentHash } | undefined;
  #failed: string | undefined;
  #sealing: Promise<HandleRecord> | undefined;
  #sealed: HandleRecord | undefined;

  constructor(created: HandleRecord, path: string, blobs: Blobs | undefined, hooks: WriterHooks) {
    this.#created = created;
    this.#path = path;
    this.#blobs = blobs;
    this.#hooks = hooks;
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

  /** Where its bytes are to be read while it is open: reads need no second descriptor. */
  get source(): Buffer | number {
    return this.#file?.fd ?? this.#inline ?? Buffer.alloc(0);
  }

  append(chunk: Uint8Array): void {
    if (this.#failed !== undefined || this.#sealing !== undefined || chunk.length === 0) return;
    failpoint('handle.bytes.before');
    const inline = this.#inline;
    const fits = inline !== undefined && this.#appends < inlineAppends;
    if (fits && inline.length + chunk.length <= inlineBytes) this.#appendInline(inline, chunk);
    else this.#appendToFile(chunk);
    failpoint('handle.bytes.after');
  }

  record(): HandleRecord {
    return this.#sealed ?? { ...this.#created, bytes: this.bytes, lines: this.lines };
  }

  seal(options: { truncated: boolean }): Promise<HandleRecord> {
    this.#sealing ??= this.#seal(options.truncated || this.#failed !== undefined);
    return this.#sealing;
  }

  async #seal(truncated: boolean): Promise<HandleRecord> {
    const { bytes } = this;
    const sha256 = this.#file === undefined ? sha256Of(this.#inline) : await this.#file.hash.digest(bytes);
    const inline = this.#inline;
    const isReused =
      this.#file === undefined
        ? inline !== undefined && this.#hooks.repeats(inline)
        : (await this.#blobs?.adopt(this.#path, sha256, bytes))?.reused === true;
    this.#sealed = {
      ...this.record(),
      state: 'sealed',
      sha256,
      truncated,
      ...(isReused && { reused_bytes: bytes }),
    };
    this.#hooks.sealed(this.#sealed, inline);
    if (this.#file !== undefined) closeSync(this.#file.fd);
    return this.#sealed;
  }

  #appendInline(inline: Buffer, chunk: Uint8Array): void {
    const all = Buffer.concat([inline, chunk]);
    failpoint('handle.bytes.torn');
    this.#failed = this.#hooks.opened(this.record(), all);
    if (this.#failed !== undefined) return;
    this.#appends += 1;
    this.#inline = all;
    this.index.push(chunk);
  }

  #appendToFile(chunk: Uint8Array): void {
    const file = this.#file ?? this.#openFile();
    if (file === undefined) return;
    failpoint('handle.bytes.torn', () => writeFully(file.fd, chunk.subarray(0, chunk.length / 2)));
    const { written, errno } = writeFully(file.fd, chunk);
    this.#failed = errno;
    const kept = written === chunk.length ? chunk : chunk.subarray(0, written);
    this.index.push(kept);
    file.hash.push(kept, this.bytes);
  }

  /**
   * A file with what there was inline. The journal says so first where there was nothing, so that no file
   * is unheard of, and afterwards where there was something, so that a crash loses nothing.
   */
  #openFile(): { fd: number; hash: ContentHash } | undefined {
    const before = this.#inline ?? Buffer.alloc(0);
    if (before.length === 0) this.#failed = this.#hooks.opened(this.#created, undefined);
    if (this.#failed !== undefined) return undefined;
    let fd: number | undefined;
    try {
      fd = openForAppend(this.#path);
      this.#failed = writeFully(fd, before).errno;
    } catch (error) {
      this.#failed = errnoOf(error);
    }
    if (before.length > 0) this.#failed ??= this.#hooks.opened(this.#created, undefined);
    if (fd === undefined) return undefined;
    if (this.#failed !== undefined) {
      closeSync(fd);
      rmSync(this.#path, { force: true });
      return undefined;
    }
    this.#inline = undefined;
    this.#file = { fd, hash: new ContentHash(fd, before) };
    return this.#file;
  }
}

function sha256Of(inline: Buffer | undefined): string {
  return createHash('sha256')
    .update(inline ?? '')
    .digest('hex');
}
