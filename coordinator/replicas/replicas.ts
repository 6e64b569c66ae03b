import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import type { Logger } from '../../platform/log.ts';
import { transfer } from '../../platform/replica-transfer.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { Config } from '../../schemas/config.ts';
import { replicaNote, type ReplicaNote } from '../../schemas/replica.ts';
import type { EndListener } from '../changes.ts';
import { createBackoff, type Backoff } from '../fleet/backoff.ts';
import type { Read } from '../../core/remote-bytes.ts';
import type { RunRecord, RunStore, StoredHandle } from '../store/run-store.ts';
import type { ReplicaFolder } from './folder.ts';
import { replicateOf } from './policy.ts';

/** Copies of what workers elsewhere keep, made in the background, so that it stays readable without them. */
export interface Replicas extends EndListener {
  /** Whether the copy is there, whole. */
  has(handleId: string): boolean;
  /** A handle was read: where copies are made at all, one is made of it. */
  wasRead(runId: string, handle: StoredHandle): void;
  /** A worker may have come back. */
  poke(): void;
  /** Takes up what an earlier coordinator left undone, and lets go what the fleet has forgotten. */
  restore(lately: readonly RunRecord[]): Promise<void>;
  /** Lets go of the copies of runs the fleet has forgotten. */
  forget(runs: readonly Pick<RunRecord, 'handles'>[]): Promise<void>;
  /** Breaks off what is under way; it goes on from there another time. */
  stop(): Promise<void>;
}

export interface ReplicasOptions {
  folder: ReplicaFolder;
  store: Pick<RunStore, 'findHandle'>;
  config: Config;
  /** The way to a worker that can be reached now. */
  readerOf(workerId: string): Read | undefined;
  /**
   * Copies a handle as `transfer` does, by another process: a megabyte would cost some 25 ms of this one
   * (measured), and more of its memory than all else.
   */
  fetch(note: ReplicaNote, signal: AbortSignal): Promise<boolean>;
  log: Logger;
}

/** At a time: enough to fill a link, few enough that calls get their turn. */
const maxTransfers = 2;
const maxTries = 3;
/** As much as a page holds: that is not worth another process. */
const ownBytes = 192 * 1024;
const firstWaitMs = 500;
const longestWaitMs = 10_000;
/** How long a look at the space in use is believed. */
const usageForMs = 5_000;
const fullWaitMs = 10_000;

interface Job {
  note: ReplicaNote;
  /** Once it is on disk that the copy is wanted: its parts are found again by that. */
  noted: Promise<void>;
  /** Copies that had the wrong hash. */
  refused: number;
  backoff: Backoff;
  notBeforeMs: number;
}

export function createReplicas(options: ReplicasOptions): Replicas {
  const { folder, store, config, readerOf, fetch, log } = options;
  const wanted = new Map<string, Job>();
  /** By hash: two handles of one content are not fetched side by side. */
  const active = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let usage = { bytes: 0, atMs: -Infinity };

  function want(runId: string, handle: StoredHandle): void {
    const { worker_id, attempt: _, ...record } = handle;
    const { data: note } = replicaNote.safeParse({ run_id: runId, worker_id, handle: record });
    if (note === undefined || wanted.has(handle.handle_id) || folder.has(handle.handle_id)) return;
    if (folder.note(handle.handle_id)?.refused === true) return;
    enqueue(note, folder.write(note));
  }
  function enqueue(note: ReplicaNote, noted: Promise<void>): void {
    const backoff = createBackoff(firstWaitMs, longestWaitMs);
    noted.catch(() => undefined);
    wanted.set(note.handle.handle_id, { note, noted, refused: 0, backoff, notBeforeMs: 0 });
    pump();
  }

  function pump(): void {
    if (stopping.signal.aborted || wanted.size === 0) return;
    for (const job of wanted.values()) {
      if (active.size >= maxTransfers) return;
      const { note } = job;
      const read = readerOf(note.worker_id);
      const isFree = !active.has(note.handle.sha256) && performance.now() >= job.notBeforeMs;
      if (read === undefined || !isFree) continue;
      const copying = copy(job, read).finally(() => {
        active.delete(note.handle.sha256);
        pump();
      });
      active.set(note.handle.sha256, copying);
    }
  }

  /** Never rejects. */
  async function copy(job: Job, read: Read): Promise<void> {
    const { note } = job;
    const { handle_id: id, bytes } = note.handle;
    try {
      await job.noted;
      if (isForgotten(job)) return await folder.remove(id);
      if (await isFull(note)) return later(job, fullWaitMs);
      const { signal } = stopping;
      const isWhole = await (bytes <= ownBytes
        ? transfer({ read, handleId: id, signal }, note, folder)
        : fetch(note, signal));
      if (isForgotten(job)) return await folder.remove(id);
      if (isWhole) {
        wanted.delete(id);
        usage.bytes += bytes;
        return;
      }
      job.refused += 1;
      log.warn({ handle: id, worker: note.worker_id }, 'a copy had another hash than its worker says');
      if (job.refused < maxTries) return later(job, 0);
      wanted.delete(id);
      await folder.write({ ...note, refused: true });
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (error instanceof FleetError && error.code === 'NOT_FOUND') return giveUp(job);
      log.warn({ handle: id, worker: note.worker_id, err: error }, 'a copy was broken off');
      job.noted = job.noted.catch(() => folder.write(note));
      job.noted.catch(() => undefined);
      later(job, job.backoff.nextMs());
    }
  }

  const isForgotten = (job: Job): boolean => wanted.get(job.note.handle.handle_id) !== job;

  /** What its worker no longer has can be copied no more. */
  async function giveUp({ note }: Job): Promise<void> {
    wanted.delete(note.handle.handle_id);
    await folder.remove(note.handle.handle_id).catch(() => undefined);
  }
  function later(job: Job, waitMs: number): void {
    job.notBeforeMs = performance.now() + waitMs;
    if (waitMs > 0) setTimeout(pump, waitMs + 1).unref();
  }
  async function isFull({ handle: { sha256, bytes } }: ReplicaNote): Promise<boolean> {
    const blobs = folder.blobs();
    if (blobs.has(sha256, bytes)) return false;
    if (performance.now() - usage.atMs > usageForMs) {
      usage = { bytes: (await blobs.usage()).bytes, atMs: performance.now() };
    }
    return usage.bytes + bytes > config.output.quota_bytes;
  }
  function wantAll({ run_id: runId, handles }: RunRecord): void {
    for (const handle of handles) {
      if (replicateOf(config, handle.worker_id) === 'on_finish') want(runId, handle);
    }
  }

  return {
    has: folder.has,
    ended: wantAll,
    wasRead(runId, handle) {
      if (replicateOf(config, handle.worker_id) !== 'never') want(runId, handle);
    },
    poke: pump,
    async restore(lately) {
      for (const id of await folder.list()) {
        const note = folder.note(id);
        const isKnown = (await store.findHandle(id)) !== undefined;
        if (note === undefined || !isKnown) await folder.remove(id);
        else if (!folder.has(id) && note.refused !== true && !wanted.has(id))
          enqueue(note, Promise.resolve());
      }
      for (const run of lately) if (isTerminal(run.status)) wantAll(run);
    },
    async forget(runs) {
      for (const { handles } of runs) for (const { handle_id: id } of handles) wanted.delete(id);
      await folder.forget(runs);
    },
    async stop() {
      stopping.abort();
      await Promise.race([Promise.all(active.values()), delay(stopMs, undefined, { ref: false })]);
    },
  };
}

const stopMs = 1_000;
