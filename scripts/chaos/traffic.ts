import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { runSnapshot, type RunSnapshot } from '../../schemas/run.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import { bridgeClient, ToolError, type BridgeClient } from './bridge-client.ts';
import type { Random } from './random.ts';
import type { Site } from './site.ts';

/** One run that was asked for. Its id in the oracle is its request_key. */
export interface Asked {
  key: string;
  task: string;
  pipeline: 'once' | 'again' | 'codex';
  code: number;
  /** Once start_run has answered. */
  runId: string | undefined;
  /** Something was asked of it that may end it by `cancelled`. */
  cancelAsked: boolean;
  snapshot: RunSnapshot | undefined;
  /** When it was first seen to have ended, ms since the epoch. */
  endSeenMs: number | undefined;
}

export interface TrafficOptions {
  site: Site;
  random: Random;
  work: Work;
}

/** What runs do: a command that sleeps, or a conversation of Codex with a scripted model. */
export interface Work {
  /** Longest a command sleeps, or an answer of the model takes. */
  longestMs: number;
  /** Runs asked for in one call at most. */
  batch?: number;
  /** The prompt of a run by its key: then all runs are of Codex. */
  prompt?(key: string, random: Random): string;
}

export interface Traffic {
  readonly asked: readonly Asked[];
  /** Runs accepted that have not been seen to end. */
  readonly open: number;
  readonly clients: readonly BridgeClient[];
  /** Until when runs wait that were told to wait for a time; 0 where none does. */
  parkedUntil(): number;
  /** Asks for runs until so many are under way. */
  fill(target: number): Promise<void>;
  /** Cancels, or pauses and resumes, one of the open runs. */
  disturb(how: 'cancel' | 'pause', random: Random): Promise<void>;
  call(tool: string, input: Record<string, unknown>): Promise<Record<string, unknown>>;
  close(): Promise<void>;
  abandon(): void;
}

/** Of one task, whole batches; then the next begins. */
const runsPerTask = 192;
const fewAtOnce = 8;
const startReply = z.object({ runs: z.array(z.object({ run_id: z.string() })) });
const pollReply = z.object({ runs: z.array(runSnapshot), cursor: z.string(), more: z.boolean() });
/** Of no consequence: the state changed meanwhile, or the answer is to ask again. */
const passing = new Set([
  'WRONG_STATE',
  'WORKER_UNAVAILABLE',
  'STORE_UNAVAILABLE',
  'NO_CAPACITY',
  'SHUTTING_DOWN',
]);
/** The bridge sent it again as often as it does. */
const gaveUp = /ended several times over this call/;
const exitCodes = [0, 0, 0, 0, 3, 137];

export function createTraffic({ site, random, work }: TrafficOptions): Traffic {
  const { longestMs, batch: atOnce = fewAtOnce, prompt } = work;
  const asked: Asked[] = [];
  const byRun = new Map<string, Asked>();
  const clients = [bridgeClient(site.env, site.work), bridgeClient(site.env, site.work)];
  const [worker, watcher] = clients;
  if (worker === undefined || watcher === undefined) throw new Error('no clients');
  let open = 0;
  let closed = false;
  const watching = watch(watcher);

  async function watch(client: BridgeClient): Promise<void> {
    const cursors = new Map<string, string>();
    while (!closed) {
      const tasks = new Set(asked.filter(isOpen).map(({ task }) => task));
      for (const task_id of tasks) {
        const input = { task_id, cursor: cursors.get(task_id) ?? '0', preview_tokens: 0 };
        const reply = await client.call('poll_run', input).catch(unlessPassing);
        if (reply === undefined) continue;
        const { runs, cursor } = pollReply.parse(reply);
        cursors.set(task_id, cursor);
        for (const snapshot of runs) take(snapshot);
      }
      await delay(50);
    }
  }
  function take(snapshot: RunSnapshot): void {
    const one = byRun.get(snapshot.run_id);
    // Two clients ask: what one was told may be older than what the other was.
    if (one === undefined || one.endSeenMs !== undefined) return;
    if (isTerminal(snapshot.status)) {
      one.endSeenMs = Date.now();
      open -= 1;
    }
    one.snapshot = snapshot;
  }
  /** The same at the same place in the order, whatever came between; so for the pipeline of its batch. */
  function newRun(at: number): Asked {
    const ofBatch = random.of('batch', Math.floor(at / atOnce));
    const command = ofBatch.int(2) === 0 ? 'once' : 'again';
    const pipeline = prompt === undefined ? command : 'codex';
    // A crash of a run that may be repeated is tried again, later and later: that is not what is waited for here.
    const codes = pipeline === 'once' ? exitCodes : pipeline === 'again' ? exitCodes.slice(0, -1) : [0];
    return {
      key: `k${String(at)}`,
      task: `task-${String(Math.floor(at / runsPerTask))}`,
      pipeline,
      code: random.of('run', at).pick(codes) ?? 0,
      runId: undefined,
      cancelAsked: false,
      snapshot: undefined,
      endSeenMs: undefined,
    };
  }
  function asRun({ key, code }: Asked): Record<string, unknown> {
    const ofRun = random.of('run', Number(key.slice(1)));
    const named = { request_key: key, label: key };
    if (prompt !== undefined) return { ...named, prompt: prompt(key, ofRun) };
    const seconds = String(ofRun.int(longestMs) / 1000);
    return { ...named, inputs: { id: key, code: String(code), seconds } };
  }
  async function start(batch: readonly [Asked, ...Asked[]]): Promise<void> {
    const [{ task, pipeline }] = batch;
    const shared = { pipeline, cwd: site.work, task_id: task, shared_workspace: true };
    const input = { ...shared, runs: batch.map(asRun) };
    while (!closed) {
      const reply = await worker?.call('start_run', input).catch(unlessPassing);
      if (reply === undefined) {
        await delay(100);
        continue;
      }
      const { runs: started } = startReply.parse(reply);
      for (const [at, one] of batch.entries()) {
        one.runId = started[at]?.run_id;
        if (one.runId !== undefined) byRun.set(one.runId, one);
      }
      open += batch.length;
      // Its end may have been told before its id was known.
      await retell(batch);
      return;
    }
  }
  async function retell(batch: readonly Asked[]): Promise<void> {
    const run_ids = batch.flatMap(({ runId }) => runId ?? []);
    const reply = await worker?.call('poll_run', { run_ids, preview_tokens: 0 }).catch(unlessPassing);
    for (const snapshot of pollReply.safeParse(reply).data?.runs ?? []) take(snapshot);
  }

  return {
    asked,
    get open() {
      return open;
    },
    clients,
    async fill(target) {
      while (open < target && !closed) {
        const first = asked.length;
        // Runs of one call are of one pipeline and one task.
        const count = Math.min(atOnce - (first % atOnce), target - open);
        const batch: [Asked, ...Asked[]] = [newRun(first)];
        for (let at = 1; at < count; at += 1) batch.push(newRun(first + at));
        asked.push(...batch);
        await start(batch);
      }
    },
    parkedUntil: () => Math.max(0, ...asked.filter(isOpen).map(({ snapshot }) => snapshot?.not_before ?? 0)),
    async disturb(how, ofStrike) {
      const candidates = asked.filter(isOpen);
      const one = ofStrike.pick(candidates);
      if (one === undefined) return;
      const run_id = one.runId ?? '';
      if (how === 'cancel') {
        one.cancelAsked = true;
        await worker.call('cancel_run', { run_ids: [run_id] }).catch(unlessPassing);
      } else {
        await worker.call('pause_run', { run_id }).catch(unlessPassing);
        for (let tries = 0; tries < 100 && one.endSeenMs === undefined; tries += 1) {
          if ((await worker.call('resume_run', { run_id }).catch(unlessPassing)) !== undefined) return;
          if (one.snapshot !== undefined && !['paused', 'pending', 'running'].includes(one.snapshot.status))
            return;
          await delay(100);
        }
      }
    },
    call: (tool, input) => worker.call(tool, input),
    async close() {
      closed = true;
      await watching;
      await Promise.all(clients.map((client) => client.close()));
    },
    abandon() {
      closed = true;
      for (const client of clients) client.abandon();
    },
  };
}

function isOpen({ runId, endSeenMs }: Asked): boolean {
  return runId !== undefined && endSeenMs === undefined;
}

function unlessPassing(error: unknown): undefined {
  if (error instanceof ToolError && (passing.has(error.code) || gaveUp.test(error.message))) return undefined;
  throw error;
}
