import { stopReason } from '../core/dependencies.ts';
import type { Logger } from '../platform/log.ts';
import { isTerminal } from '../schemas/run-words.ts';
import type { Changes } from './changes.ts';
import { untilStored } from './store-retry.ts';
import type { RunRecord, RunStore } from './store/run-store.ts';

/** A run that is not in the queue yet, and its place there. */
export interface Held {
  run: RunRecord;
  order: number;
}

/** Runs that wait for others to end. */
export interface Dependencies {
  readonly size: number;
  has(runId: string): boolean;
  /** Takes a run with an `after`. */
  hold(held: Held): void;
  drop(runId: string): void;
  ended(run: RunRecord): void;
}

export interface DependencyOptions {
  store: RunStore;
  changes: Pick<Changes, 'open'>;
  /** All it waited for has ended. */
  ready(held: Held): void;
  cancel(runIds: readonly string[], reason: string): Promise<unknown>;
  log: Logger;
}

interface Waiting {
  held: Held;
  left: Set<string>;
}

export function createDependencies(options: DependencyOptions): Dependencies {
  const { store, changes, ready, cancel, log } = options;
  const waiting = new Map<string, Waiting>();
  const followers = new Map<string, Set<string>>();

  function drop(runId: string): void {
    for (const earlier of waiting.get(runId)?.left ?? []) unfollow(earlier, runId);
    waiting.delete(runId);
  }
  function unfollow(earlier: string, runId: string): void {
    const following = followers.get(earlier);
    following?.delete(runId);
    if (following?.size === 0) followers.delete(earlier);
  }
  /** `earlier` is undefined where nothing is known of it any more. */
  function settle(earlierId: string, earlier: RunRecord | undefined): void {
    for (const runId of followers.get(earlierId) ?? []) {
      const one = waiting.get(runId);
      if (one === undefined) continue;
      const reason = earlier === undefined ? undefined : stopReason(one.held.run.spec, earlier);
      one.left.delete(earlierId);
      if (reason !== undefined) {
        drop(runId);
        inBackground(() => cancel([runId], reason));
      } else if (one.left.size === 0) {
        waiting.delete(runId);
        ready(one.held);
      }
    }
    followers.delete(earlierId);
  }
  async function look(earlierId: string): Promise<void> {
    const earlier = await store.get(earlierId);
    if (earlier === undefined || isTerminal(earlier.status)) settle(earlierId, earlier);
  }
  function inBackground(work: () => Promise<unknown>): void {
    void untilStored(async () => void (await work())).catch((error: unknown) => {
      log.error({ err: error }, 'what depends on a run could not be settled');
    });
  }
  return {
    get size() {
      return waiting.size;
    },
    has: (runId) => waiting.has(runId),
    hold(held) {
      const { run } = held;
      const left = new Set(run.spec.after);
      waiting.set(run.run_id, { held, left });
      for (const earlier of left) {
        followers.set(earlier, (followers.get(earlier) ?? new Set()).add(run.run_id));
        if (!changes.open.has(earlier)) inBackground(() => look(earlier));
      }
    },
    drop,
    ended(run) {
      settle(run.run_id, run);
    },
  };
}
