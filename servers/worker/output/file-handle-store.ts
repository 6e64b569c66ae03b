import { closeSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nanoid } from 'nanoid';
import { z } from 'zod';
import { FleetError } from '../../../core/errors.ts';
import { handleRecord, type HandleRecord } from '../../../schemas/handle.ts';
import { runId as runIdSchema } from '../../../schemas/ids.ts';
import { Journal, type Place } from '../journal.ts';
import { FileHandleWriter } from './file-handle-writer.ts';
import { openForRead, readInto } from './handle-files.ts';
import type { CreateHandle, HandleStore, HandleWriter } from './handle-store.ts';
import type { LineIndex } from './line-index.ts';
import { findLine } from './line-lookup.ts';
import { scanFile } from './scan-file.ts';

/** What the journal keeps of a handle: its record and whose output it is. */
const journalEntry = z.strictObject({ ...handleRecord.shape, run_id: runIdSchema });
type JournalEntry = z.infer<typeof journalEntry>;

/** Line indexes kept of sealed handles, the most lately read last. */
const keptIndexes = 16;
/** Above this many dead journal lines for a live one, beyond the two every handle writes, it is rewritten. */
const journalSlack = 1024;

/**
 * Handles in files: `dir/<handle_id>` holds a handle's bytes and nothing else, `dir/journal.jsonl`
 * the records. In memory there is, for a sealed handle, its id, its place in the journal and its
 * run's list: about 270 bytes (measured). Handles a dead process left open are sealed as truncated on opening.
 * Throws where the folder cannot be made or read.
 */
export async function openFileHandleStore(dir: string): Promise<HandleStore> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const store = new FileHandleStore(dir);
  await store.load();
  return store;
}

class FileHandleStore implements HandleStore {
  readonly #dir: string;
  readonly #journal: Journal<JournalEntry>;
  readonly #writers = new Map<string, { writer: FileHandleWriter; run_id: string }>();
  readonly #sealed = new Map<string, Place | JournalEntry>();
  readonly #ofRun = new Map<string, readonly string[]>();
  readonly #indexes = new Map<string, Promise<LineIndex>>();

  constructor(dir: string) {
    this.#dir = dir;
    this.#journal = new Journal('handle', join(dir, 'journal.jsonl'), journalEntry);
  }

  create(params: CreateHandle): HandleWriter {
    const record: HandleRecord = {
      handle_id: `hdl_${nanoid()}`,
      stream: params.stream,
      stage: params.stage,
      media_type: params.media_type,
      state: 'open',
      bytes: 0,
      lines: 0,
      truncated: false,
      created_at: params.now,
    };
    const id = record.handle_id;
    this.#append({ ...record, run_id: params.run_id });
    const writer = new FileHandleWriter(record, this.#path(id), (sealed) =>
      this.#seal(sealed, params.run_id),
    );
    this.#writers.set(id, { writer, run_id: params.run_id });
    this.#ofRun.set(params.run_id, [...(this.#ofRun.get(params.run_id) ?? []), id]);
    return writer;
  }

  stat(handleId: string): HandleRecord | undefined {
    const open = this.#writers.get(handleId);
    if (open !== undefined) return open.writer.record();
    const entry = this.#entry(handleId);
    if (entry === undefined) return undefined;
    const { run_id: _, ...record } = entry;
    return record;
  }

  runOf(handleId: string): string | undefined {
    return this.#writers.get(handleId)?.run_id ?? this.#entry(handleId)?.run_id;
  }

  ofRun(runId: string): HandleRecord[] {
    return (this.#ofRun.get(runId) ?? []).flatMap((id) => this.stat(id) ?? []);
  }

  read(handleId: string, offset: number, length: number): Promise<Buffer> {
    return new Promise((resolve) => resolve(this.#readNow(handleId, offset, length)));
  }

  readInto(handleId: string, offset: number, target: Buffer): Promise<number> {
    return new Promise((resolve) => {
      resolve(this.#readNow(handleId, offset, target.length, target).length);
    });
  }

  async lineOffset(handleId: string, line: number): Promise<number> {
    const index = this.#writers.get(handleId)?.writer.index ?? (await this.#indexOf(handleId));
    return findLine(index, line, (offset, length) => this.read(handleId, offset, length));
  }

  async delete(handleId: string): Promise<void> {
    const runId = this.runOf(handleId);
    if (runId === undefined) return;
    await this.#writers.get(handleId)?.writer.seal({ truncated: true });
    this.#journal.appendDeleted(handleId, runId);
    this.#forget(handleId, runId);
    rmSync(this.#path(handleId), { force: true });
  }

  async load(): Promise<void> {
    const left = new Map<string, Place>();
    let lines = 0;
    this.#journal.replay(({ id, run_id: runId, state }, place) => {
      lines += 1;
      left.delete(id);
      if (state === 'deleted') {
        this.#forget(id, runId);
        rmSync(this.#path(id), { force: true });
        return;
      }
      if (!this.#sealed.has(id)) this.#ofRun.set(runId, [...(this.#ofRun.get(runId) ?? []), id]);
      this.#sealed.set(id, place);
      if (state === 'open') left.set(id, place);
    });
    for (const [id, place] of left) {
      const entry = this.#journal.read(place);
      if (entry !== undefined) await this.#sealLeft(id, entry);
    }
    if (lines > 2 * this.#sealed.size + journalSlack) this.#compact();
  }

  /** Seals what a dead process left open at what its file holds: any prefix of the stream is valid. */
  async #sealLeft(id: string, entry: JournalEntry): Promise<void> {
    const { index, sha256 } = await scanFile(this.#path(id));
    const sealed: JournalEntry = {
      ...entry,
      state: 'sealed',
      bytes: index.bytes,
      lines: index.lines,
      sha256,
      truncated: true,
    };
    this.#sealed.set(id, this.#append(sealed) ?? sealed);
  }

  #seal(record: HandleRecord, runId: string): void {
    const entry: JournalEntry = { ...record, run_id: runId };
    const writer = this.#writers.get(record.handle_id)?.writer;
    this.#writers.delete(record.handle_id);
    // On a full disk the record lives on in memory alone.
    this.#sealed.set(record.handle_id, this.#append(entry) ?? entry);
    if (writer === undefined) return;
    this.#keepIndex(record.handle_id, Promise.resolve(writer.index));
    if (writer.fd !== undefined) closeSync(writer.fd);
  }

  #append(entry: JournalEntry): Place | undefined {
    return this.#journal.append({ id: entry.handle_id, run_id: entry.run_id, state: entry.state }, entry);
  }

  #entry(handleId: string): JournalEntry | undefined {
    const kept = this.#sealed.get(handleId);
    return kept === undefined || 'handle_id' in kept ? kept : this.#journal.read(kept);
  }

  /** Into `target` where there is one, else into memory of its own. */
  #readNow(handleId: string, offset: number, length: number, target?: Buffer): Buffer {
    const readFrom = (fd: number, bytes: number): Buffer => {
      const wanted = Math.min(length, bytes - offset);
      const memory = target?.subarray(0, wanted) ?? Buffer.allocUnsafe(wanted);
      return memory.subarray(0, readInto(fd, offset, memory));
    };
    const open = this.#writers.get(handleId);
    if (open !== undefined) {
      const { fd, bytes } = open.writer;
      return fd === undefined || offset >= bytes ? Buffer.alloc(0) : readFrom(fd, bytes);
    }
    const entry = this.#entry(handleId);
    if (entry === undefined) throw new FleetError('NOT_FOUND', 'There is no such handle.');
    if (offset >= entry.bytes || length <= 0) return Buffer.alloc(0);
    const file = openForRead(this.#path(handleId));
    if (file === undefined) throw new FleetError('NOT_FOUND', 'The stored output of this handle is gone.');
    try {
      // What a power cut took is missing at the end; the rest is still read.
      if (offset >= file.size) throw new FleetError('NOT_FOUND', 'The end of this stored output is gone.');
      return readFrom(file.fd, entry.bytes);
    } finally {
      closeSync(file.fd);
    }
  }

  #indexOf(handleId: string): Promise<LineIndex> {
    const known = this.#indexes.get(handleId);
    this.#indexes.delete(handleId);
    if (!this.#sealed.has(handleId)) throw new FleetError('NOT_FOUND', 'There is no such handle.');
    const index = known ?? scanFile(this.#path(handleId)).then((scanned) => scanned.index);
    this.#keepIndex(handleId, index);
    return index;
  }

  #keepIndex(handleId: string, index: Promise<LineIndex>): void {
    this.#indexes.set(handleId, index);
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= keptIndexes) return;
      this.#indexes.delete(oldest);
    }
  }

  #forget(handleId: string, runId: string): void {
    this.#sealed.delete(handleId);
    this.#indexes.delete(handleId);
    const rest = (this.#ofRun.get(runId) ?? []).filter((id) => id !== handleId);
    if (rest.length > 0) this.#ofRun.set(runId, rest);
    else this.#ofRun.delete(runId);
  }

  #compact(): void {
    const live = [...this.#sealed].flatMap(([id, kept]) =>
      'handle_id' in kept ? [] : [{ id, place: kept }],
    );
    const places = this.#journal.compact(live.map(({ place }) => place));
    live.forEach(({ id }, at) => {
      const place = places[at];
      if (place !== undefined) this.#sealed.set(id, place);
    });
  }

  /** Only ever called with ids this store made, or read from its journal by their pattern. */
  #path(handleId: string): string {
    return join(this.#dir, handleId);
  }
}
