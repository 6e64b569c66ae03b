import { createHash, type Hash } from 'node:crypto';
import { sha256Of } from '../../../platform/blobs/content.ts';
import { readInto } from '../../../platform/blobs/plain-file.ts';
import { followFile, type FileHash } from './file-hash.ts';

/** From here on a file's hash is taken on another thread, which then is worth its start of some 20 ms. */
export const threadBytes = 16 * 1024 * 1024;

/** The sha256 of a file, while it is appended to. */
export class ContentHash {
  readonly #fd: number;
  readonly #hash: Hash;
  #followed: FileHash | undefined;

  /** `before`: what is in the file already. */
  constructor(fd: number, before: Uint8Array) {
    this.#fd = fd;
    this.#hash = createHash('sha256').update(before);
  }

  /** `bytes`: how long the file is with this chunk. */
  push(chunk: Uint8Array, bytes: number): void {
    if (bytes >= threadBytes) this.#followed ??= followFile(this.#fd);
    if (this.#followed === undefined) this.#hash.update(chunk);
    else this.#followed.grown(bytes);
  }

  /** Of all `bytes` bytes; the file stays open until then. */
  async digest(bytes: number): Promise<string> {
    if (this.#followed === undefined) return this.#hash.digest('hex');
    const found = await this.#followed.digest(bytes);
    if (found !== undefined) return found;
    const content = {
      size: bytes,
      readInto: (offset: number, target: Buffer) => readInto(this.#fd, offset, target),
      close: () => undefined,
    };
    return sha256Of(content);
  }
}
