import { createHash } from 'node:crypto';
import { nanoid } from 'nanoid';
import { FleetError } from '../../../core/errors.ts';
import type { HandleRecord } from '../../../schemas/handle.ts';
import type { CreateHandle, HandleStore, HandleWriter } from './handle-store.ts';
import { LineIndex } from './line-index.ts';
import { findLine } from './line-lookup.ts';

/** Handles in memory: for tests, and proof that the interface is not about files. */
export function createMemoryHandleStore(): HandleStore {
  return new MemoryHandleStore();
}

class MemoryHandleStore implements HandleStore {
  readonly #handles = new Map<string, MemoryHandle>();

  create(params: CreateHandle): HandleWriter {
    const handle = new MemoryHandle(params);
    this.#handles.set(handle.handle_id, handle);
    return handle;
  }

  stat(handleId: string): HandleRecord | undefined {
    return this.#handles.get(handleId)?.record();
  }

  read(handleId: string, offset: number, length: number): Promise<Buffer> {
    return new Promise((resolve) => resolve(this.#get(handleId).read(offset, length)));
  }

  async readInto(handleId: string, offset: number, target: Buffer): Promise<number> {
    return (await this.read(handleId, offset, target.length)).copy(target);
  }

  async lineOffset(handleId: string, line: number): Promise<number> {
    const handle = this.#get(handleId);
    return findLine(handle.index, line, (offset, target) => handle.read(offset, target.length).copy(target));
  }

  ofRun(runId: string): HandleRecord[] {
    return [...this.#handles.values()]
      .filter((handle) => handle.runId === runId)
      .map((handle) => handle.record());
  }

  runOf(handleId: string): string | undefined {
    return this.#handles.get(handleId)?.runId;
  }

  compressCold(): Promise<void> {
    return Promise.resolve();
  }

  delete(handleId: string): Promise<void> {
    this.#handles.delete(handleId);
    return Promise.resolve();
  }

  #get(handleId: string): MemoryHandle {
    const handle = this.#handles.get(handleId);
    if (handle === undefined) throw new FleetError('NOT_FOUND', 'There is no such handle.');
    return handle;
  }
}

class MemoryHandle implements HandleWriter {
  readonly handle_id = `hdl_${nanoid()}`;
  readonly failed = undefined;
  readonly index = new LineIndex();
  readonly runId: string;
  readonly #params: CreateHandle;
  #content = Buffer.alloc(0);
  #end: { sha256: string; truncated: boolean } | undefined;

  constructor(params: CreateHandle) {
    this.#params = params;
    this.runId = params.run_id;
  }

  get bytes(): number {
    return this.index.bytes;
  }

  get lines(): number {
    return this.index.lines;
  }

  append(chunk: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#content = Buffer.concat([this.#content, chunk]);
    this.index.push(chunk);
  }

  read(offset: number, length: number): Buffer {
    return Buffer.from(this.#content.subarray(offset, offset + length));
  }

  seal(options: { truncated: boolean }): Promise<HandleRecord> {
    this.#end ??= {
      sha256: createHash('sha256').update(this.#content).digest('hex'),
      truncated: options.truncated,
    };
    return Promise.resolve(this.record());
  }

  record(): HandleRecord {
    const { stream, name, stage, media_type, now } = this.#params;
    const common = {
      handle_id: this.handle_id,
      stream,
      ...(name !== undefined && { name }),
      stage,
      media_type,
      bytes: this.bytes,
      lines: this.lines,
      created_at: now,
    };
    return this.#end === undefined
      ? { ...common, state: 'open', truncated: false }
      : { ...common, state: 'sealed', ...this.#end };
  }
}
