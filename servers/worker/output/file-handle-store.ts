import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nanoid } from 'nanoid';
import { z } from 'zod';
import { FleetError } from '../../../core/errors.ts';
import type { Blobs } from '../../../platform/blobs/blobs.ts';
import type { StoredContent } from '../../../platform/blobs/stored-content.ts';
import { readInto } from '../../../platform/blobs/plain-file.ts';
import { handleRecord, type HandleRecord } from '../../../schemas/handle.ts';
import { handleId as handleIdSchema, runId as runIdSchema } from '../../../schemas/ids.ts';
import { Journal, type Place } from '../journal.ts';
import { compressContents } from './cold-contents.ts';
import { FileHandleWriter } from './file-handle-writer.ts';
import type { CreateHandle, HandleStore, HandleWriter } from './handle-store.ts';
import { LatelyRead } from './lately-read.ts';
import type { LineIndex } from './line-index.ts';
import { findLine } from './line-lookup.ts';
import { RepeatedContents } from './repeated-contents.ts';
import { scanAndHash, scanContent, scanLeft } from './scan-content.ts';
import { openSealed } from './sealed-content.ts';
import { sweepStrays } from './stray-contents.ts';

/** What the journal keeps of a handle: its record, whose output it is, and a small content, in base64. */
const journalEntry = z.strictObject({
  /** Instead of a small content: the handle it stands with. The first field, so that a start finds it. */
  same_as: handleIdSchema.optional(),
  ...handleRecord.shape,
  run_id: runIdSchema,
  inline: z.base64().optional(),
});
type JournalEntry = z.infer<typeof journalEntry>;

/** Above this many dead journal lines for a live one, beyond the two every handle writes, it is rewritten. */
const journalSlack = 1024;

/**
 * Handles in files: `dir/journal.jsonl` holds the records, and contents of up to 4 KiB;
 * `dir/<handle_id>` a larger one and nothing else. Once sealed, that is a link to the blob of its hash:
 * what several handles hold is stored once. In memory there is, for a sealed handle, its id, its place in
 * the journal and its run's list: about 270 bytes (measured). Handles a dead process left open are sealed
 * as truncated on opening. Throws where the folder cannot be made or read.
 */
export async function openFileHandleStore(dir: string, blobs?: Blobs): Promise<HandleStore> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const store = new FileHandleStore(dir, blobs);
  await store.load();
  return store;
}

class FileHandleStore implements HandleStore {
  readonly #dir: string;
  readonly #blobs: Blobs | undefined;
  readonly #journal: Journal<JournalEntry>;
  readonly #writers = new Map<string, { writer: FileHandleWriter; run_id: string }>();
  readonly #sealed = new Map<string, Place | JournalEntry>();
  /** When those that were looked at for compression were last written; `never` for what is done with. */
  readonly #looked = new Map<string, number>();
  readonly #ofRun = new Map<string, readonly string[]>();
  readonly #repeated = new RepeatedContents();
  readonly #lately: LatelyRead<JournalEntry>;

  constructor(dir: string, blobs: Blobs | undefined) {
    this.#dir = dir;
    this.#blobs = blobs;
    this.#journal = new Journal('handle', join(dir, 'journal.jsonl'), journalEntry);
    this.#lately = new LatelyRead({
      find: (handleId) => this.#entry(handleId),
      open: (entry) => this.#contentOf(entry),
      indexOf: (entry) => this.#scan(entry),
    });
  }

  create(params: CreateHandle): HandleWriter {
    const record: HandleRecord = {
      handle_id: `hdl_${nanoid()}`,
      stream: params.stream,
      ...(params.name !== undefined && { name: params.name }),
      stage: params.stage,
      media_type: params.media_type,
      state: 'open',
      bytes: 0,
      lines: 0,
      truncated: false,
      created_at: params.now,
    };
    const id = record.handle_id;
    const entry = (of: HandleRecord, inline: Buffer | undefined): JournalEntry => {
      const same_as = inline === undefined ? undefined : this.#sameAs(inline, params.like);
      return {
        ...(same_as !== undefined && { same_as }),
        ...of,
        run_id: params.run_id,
        ...(inline !== undefined && same_as === undefined && { inline: inline.toString('base64') }),
      };
    };
    const writer = new FileHandleWriter(record, this.#path(id), this.#blobs, {
      opened: (of, inline) =>
        this.#append(entry(of, inline)) === undefined ? this.#journal.errno : undefined,
      sealed: (of, inline) => this.#sealWritten(entry(of, inline), writer.index),
      repeats: (inline) => this.#sameAs(inline, params.like) !== undefined,
    });
    this.#writers.set(id, { writer, run_id: params.run_id });
    this.#ofRun.set(params.run_id, [...(this.#ofRun.get(params.run_id) ?? []), id]);
    return writer;
  }

  stat(handleId: string): HandleRecord | undefined {
    const open = this.#writers.get(handleId);
    if (open !== undefined) return open.writer.record();
    const entry = this.#lately.find(handleId);
    if (entry === undefined) return undefined;
    const { run_id: _, inline: __, same_as: ___, ...record } = entry;
    return record;
  }

  runOf(handleId: string): string | undefined {
    return this.#writers.get(handleId)?.run_id ?? this.#lately.find(handleId)?.run_id;
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
    const index = this.#writers.get(handleId)?.writer.index ?? (await this.#lately.index(handleId));
    if (index === undefined) throw new FleetError('NOT_FOUND', 'There is no such handle.');
    return findLine(
      index,
      line,
      (offset, target) => this.#readNow(handleId, offset, target.length, target).length,
    );
  }

  async delete(handleId: string): Promise<void> {
    const runId = this.runOf(handleId);
    if (runId === undefined) return;
    await this.#writers.get(handleId)?.writer.seal({ truncated: true });
    this.#bequeath(handleId);
    this.#journal.appendDeleted(handleId, runId);
    this.#forget(handleId, runId);
    rmSync(this.#path(handleId), { force: true });
  }

  async compressCold(before: number, mayGoOn: () => boolean): Promise<void> {
    if (this.#blobs === undefined) return;
    const find = (id: string): JournalEntry | undefined =>
      this.#writers.has(id) ? undefined : this.#entry(id);
    const cold = { dir: this.#dir, blobs: this.#blobs, find, looked: this.#looked };
    await compressContents(cold, before, mayGoOn);
    await this.#sweep();
  }

  async load(): Promise<void> {
    const left = new Map<string, Place>();
    let lines = 0;
    this.#journal.replay(({ id, run_id: runId, state, same_as: owner }, place) => {
      lines += 1;
      left.delete(id);
      this.#repeated.told(id, owner);
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
    await this.#sweep();
  }

  /** A handle of another version's record is known, though it cannot be read. */
  #sweep(): Promise<void> {
    return sweepStrays(this.#dir, (id) => this.#writers.has(id) || this.#sealed.has(id), Date.now());
  }

  /** Seals what a dead process left open at what was stored: any prefix of the stream is valid. */
  async #sealLeft(id: string, entry: JournalEntry): Promise<void> {
    const path = this.#path(id);
    // Where there is a file as well, it died while the content got it.
    const inline = this.#inlineOf(entry);
    if (inline !== undefined) rmSync(path, { force: true });
    const { index, sha256 } = await (inline === undefined
      ? scanLeft(path, this.#blobs)
      : scanAndHash(inMemory(inline)));
    const isShared = index.bytes > 0 && inline === undefined;
    const shared = isShared ? await this.#blobs?.adopt(path, sha256, index.bytes) : undefined;
    const sealed: JournalEntry = {
      ...entry,
      state: 'sealed',
      bytes: index.bytes,
      lines: index.lines,
      sha256,
      truncated: true,
      ...((shared?.reused === true || entry.same_as !== undefined) && { reused_bytes: index.bytes }),
    };
    this.#sealed.set(id, this.#append(sealed) ?? sealed);
  }

  #sealWritten(entry: JournalEntry, index: LineIndex): void {
    this.#writers.delete(entry.handle_id);
    // On a full disk the record lives on in memory alone.
    this.#sealed.set(entry.handle_id, this.#append(entry) ?? entry);
    this.#lately.sealed(entry.handle_id, entry, index);
  }

  #append(entry: JournalEntry): Place | undefined {
    this.#repeated.told(entry.handle_id, entry.same_as);
    return this.#journal.append({ id: entry.handle_id, run_id: entry.run_id, state: entry.state }, entry);
  }

  #entry(handleId: string): JournalEntry | undefined {
    const kept = this.#sealed.get(handleId);
    return kept === undefined || 'handle_id' in kept ? kept : this.#journal.read(kept);
  }

  /** Into `target` where there is one, else into memory of its own. */
  #readNow(handleId: string, offset: number, length: number, target?: Buffer): Buffer {
    const memory = (bytes: number): Buffer => {
      const wanted = Math.max(0, Math.min(length, bytes - offset));
      return target?.subarray(0, wanted) ?? Buffer.allocUnsafe(wanted);
    };
    const open = this.#writers.get(handleId)?.writer;
    if (open !== undefined) {
      const room = memory(open.bytes);
      if (room.length === 0) return room;
      const { source } = open;
      if (typeof source !== 'number') return room.subarray(0, source.copy(room, 0, offset));
      return room.subarray(0, readInto(source, offset, room));
    }
    const entry = this.#lately.find(handleId);
    if (entry === undefined) throw new FleetError('NOT_FOUND', 'There is no such handle.');
    const room = memory(entry.bytes);
    if (room.length === 0) return room;
    const content = this.#lately.content(handleId);
    if (content === undefined) throw new FleetError('NOT_FOUND', 'The stored output of this handle is gone.');
    // What a power cut took is missing at the end; the rest is still read.
    if (offset >= content.size) throw new FleetError('NOT_FOUND', 'The end of this stored output is gone.');
    return room.subarray(0, content.readInto(offset, room));
  }

  #contentOf(entry: JournalEntry): StoredContent | undefined {
    const inline = this.#inlineOf(entry);
    if (inline !== undefined) return inMemory(inline);
    return openSealed(this.#path(entry.handle_id), entry, this.#blobs);
  }

  #inlineOf(entry: JournalEntry): string | undefined {
    return entry.same_as === undefined ? entry.inline : this.#entry(entry.same_as)?.inline;
  }

  #sameAs(inline: Buffer, like: readonly string[] = []): string | undefined {
    const content = like.length === 0 ? '' : inline.toString('base64');
    return like.find((id) => this.#entry(id)?.inline === content);
  }

  /** Before a handle goes: one of those with the same content gets it, and is the one the others name. */
  #bequeath(owner: string): void {
    const inline = this.#entry(owner)?.inline;
    let heir: string | undefined;
    for (const id of this.#repeated.of(owner)) {
      const open = this.#writers.get(id);
      const sealed = this.#entry(id);
      const known = open === undefined ? sealed : { ...open.writer.record(), run_id: open.run_id };
      if (known === undefined || inline === undefined) continue;
      const { same_as: _, ...rest } = known;
      const entry = heir === undefined ? { ...rest, inline } : { same_as: heir, ...rest };
      const kept = this.#append(entry) ?? entry;
      // An open one is about to write more of its own.
      if (open !== undefined) continue;
      this.#sealed.set(id, kept);
      this.#lately.forget(id);
      heir ??= id;
    }
  }

  async #scan(entry: JournalEntry): Promise<LineIndex> {
    const content = entry.bytes === 0 ? undefined : this.#contentOf(entry);
    try {
      return await scanContent(content);
    } finally {
      content?.close();
    }
  }

  #forget(handleId: string, runId: string): void {
    this.#sealed.delete(handleId);
    this.#lately.forget(handleId);
    this.#looked.delete(handleId);
    this.#repeated.told(handleId, undefined);
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

function inMemory(base64: string): StoredContent {
  const bytes = Buffer.from(base64, 'base64');
  return {
    size: bytes.length,
    readInto: (offset, target) => bytes.copy(target, 0, offset),
    close: () => undefined,
  };
}
