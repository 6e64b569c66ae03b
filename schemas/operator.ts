import { z } from 'zod';
import { bytes32, descriptorAsk, signed } from './descriptor.ts';
import { tokenCount, toldCounts } from './manifest.ts';
import { handleId, plainName, runId, taskId } from './ids.ts';
import { originalName, restoreRecord, sealedValue } from './privacy.ts';
import { replicaNote } from './replica.ts';

/**
 * Requests of the one who runs the fleet, beside the tools: JSON-RPC methods of our own, served to the
 * owner of the Unix socket and to nobody over a URL. No model sees or calls them.
 */
export interface RequestContract<
  Params extends z.ZodObject = z.ZodObject,
  Result extends z.ZodObject = z.ZodObject,
> {
  params: Params;
  result: Result;
  /** Served over a URL, too, to those who have its secret. */
  overUrl?: true;
}

export type RequestContracts = Record<string, RequestContract>;

/** Request keys in one call. */
export const maxForgotten = 1_000;

/** Surrogates in one call. */
export const maxRestored = 500;

const workerState = z.strictObject({
  worker_id: plainName,
  drained: z.boolean(),
  /** Runs it has under way, or holds the thread of. */
  open: z.int(),
  /** Of those, the ones that rest and end only when somebody resumes or answers them. */
  resting: z.int(),
});

export const collected = z.strictObject({
  /** Forgotten, with their handles and what those held, in bytes. */
  runs: z.int(),
  handles: z.int(),
  bytes: z.int(),
  /** Runs that would be forgotten, were they not waited for or their private copies not in any diff. */
  kept: z.int(),
  /** Runs of which some worker that cannot be reached is still to be told. */
  owed: z.int(),
  /** Contents nobody refers to any more. */
  freed: z.strictObject({ files: z.int(), bytes: z.int() }),
});
export type Collected = z.infer<typeof collected>;

/** What a coordinator serves. */
export const operatorRequests = {
  /** Forgets what is past its time or beyond the quota, and frees what nobody refers to. */
  'codex-fleet/collect': {
    params: z.strictObject({ dry_run: z.boolean() }),
    result: collected,
  },
  /** Takes nothing new from now on, or again; kept over restarts of the coordinator. */
  'codex-fleet/drain_worker': {
    params: z.strictObject({ worker_id: plainName, drained: z.boolean() }),
    result: workerState,
  },
  /**
   * Ends the process of a local worker and starts it anew where that costs no run; `interrupt` also
   * stops conversations at the turn boundary, which then go on in the new process.
   */
  'codex-fleet/restart_worker': {
    params: z.strictObject({ worker_id: plainName, interrupt: z.boolean() }),
    result: workerState.extend({ restarted: z.boolean() }),
  },
  /** What reached agents of a run. */
  'codex-fleet/told': {
    params: z.strictObject({ run_id: runId }),
    result: toldCounts.extend({
      /** What nobody has counted and is still kept, each for so many runs, of which this one has so many bytes. */
      kept: z.array(z.strictObject({ text: z.string(), runs: z.int().min(1), bytes: z.int() })),
    }),
  },
  /**
   * What is behind a handle as it was, in base64, for a sink that may have what the guard replaced in it.
   * Without `data` nothing was replaced: the handle has it as it is.
   */
  'codex-fleet/export': {
    params: z.strictObject({ handle_id: handleId, sink: plainName, from: z.int().min(0) }),
    result: z.strictObject({ data: z.string().optional(), more: z.boolean() }),
  },
  /** What surrogates behind a handle stand for, in base64, of those a sink may have. */
  'codex-fleet/restore': {
    params: z.strictObject({
      handle_id: handleId,
      sink: plainName,
      surrogates: z.array(z.string().max(64)).max(maxRestored),
    }),
    result: z.strictObject({ values: z.record(z.string(), z.string()) }),
  },
  /** Encrypts the keys of all tasks under a new master key. */
  'codex-fleet/rotate_keys': {
    params: z.strictObject({}),
    result: z.strictObject({ tasks: z.int() }),
  },
  /** Deletes the key of a task: nobody can say any more what its surrogates stand for. */
  'codex-fleet/forget_values': {
    params: z.strictObject({ task_id: taskId }),
    result: z.strictObject({ forgotten: z.boolean() }),
  },
  /** Every time values were put back, or that was refused: the latest first. */
  'codex-fleet/restores': {
    params: z.strictObject({ task_id: taskId.optional(), most: z.int().min(1).max(1_000) }),
    result: z.strictObject({ restores: z.array(restoreRecord) }),
  },
} as const satisfies RequestContracts;

/** What a worker serves its coordinator. */
export const workerRequests = {
  /**
   * Deletes all that is kept of runs, by their request keys; one it does not have is as good as forgotten.
   * Kept are runs that have not ended, and those whose private copy holds more than their diff.
   */
  'codex-fleet/forget_runs': {
    params: z.strictObject({ keys: z.array(z.string().max(200)).max(maxForgotten), dry_run: z.boolean() }),
    result: z.strictObject({ kept: z.array(z.string()) }),
    overUrl: true,
  },
  /**
   * Ends a run that goes on with `limit disk` and this error once it would have stored more than so many
   * bytes in all; what it put out so far stays. What was said last counts.
   */
  'codex-fleet/limit_run': {
    params: z.strictObject({ run_id: runId, max_bytes: z.int().min(0), error: z.string().max(300) }),
    result: z.strictObject({}),
    overUrl: true,
  },
  /** Ends by itself where no run would be lost by it. */
  'codex-fleet/end_worker': {
    params: z.strictObject({ interrupt: z.boolean() }),
    /** `kept_back`: runs that could not go on in another process. */
    result: z.strictObject({ ending: z.boolean(), kept_back: z.int() }),
  },
  /** The key it signs with. Whoever enrols it compares the key by another way than this. */
  'codex-fleet/identity': {
    params: z.strictObject({}),
    result: z.strictObject({ worker_id: plainName, key: bytes32 }),
    overUrl: true,
  },
  /** A descriptor of the moment, signed for who asks. */
  'codex-fleet/descriptor': {
    params: descriptorAsk,
    result: signed,
    overUrl: true,
  },
  /** The next key, signed by the one before it; `turn_to`: signs with that next key from now on. */
  'codex-fleet/rotate_key': {
    params: z.strictObject({ audience: bytes32, nonce: bytes32, turn_to: bytes32.optional() }),
    result: signed,
    overUrl: true,
  },
  /** What the surrogates of a run stand for, sealed for the coordinator. `done`: it has all, they can go. */
  'codex-fleet/sealed_values': {
    params: z.strictObject({ run_id: runId, from: z.int().min(0), done: z.boolean().optional() }),
    result: z.strictObject({ values: z.array(sealedValue), more: z.boolean() }),
    overUrl: true,
  },
  /** A stretch of what is kept sealed to the byte, in base64; empty behind its end, and where there is none. */
  'codex-fleet/sealed_original': {
    params: z.strictObject({ run_id: runId, name: originalName, from: z.int().min(0) }),
    result: z.strictObject({ data: z.string() }),
    overUrl: true,
  },
} as const satisfies RequestContracts;

/** What the reader of copies serves its coordinator. */
export const readerRequests = {
  /**
   * Copies a handle from the worker at this URL, or goes on with it: `running` has the caller ask again,
   * for the copy stops soon after nobody does. `refused`: what came has another hash; `gone`: the worker
   * has it no more. `moved`: bytes fetched since the last answer.
   */
  'codex-fleet/copy': {
    params: z.strictObject({
      note: replicaNote,
      url: z.url(),
      secret: z.string(),
      tls: z.string().optional(),
      addresses: z.array(z.string()).readonly().optional(),
    }),
    result: z.strictObject({ state: z.enum(['whole', 'refused', 'gone', 'running']), moved: z.int() }),
  },
  /** Tokens of each text, by the o200k tokenizer. */
  'codex-fleet/count_tokens': {
    params: z.strictObject({ texts: z.array(z.string()) }),
    result: z.strictObject({ tokens: z.array(z.int()) }),
  },
  /** Tokens of a stored output by its hash; nothing where it is not stored on this machine. */
  'codex-fleet/count_content': {
    params: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().min(0) }),
    result: z.strictObject({ count: tokenCount.optional() }),
  },
} as const satisfies RequestContracts;

export type OperatorRequests = typeof operatorRequests;
export type WorkerRequests = typeof workerRequests;
export type ReaderRequests = typeof readerRequests;
