import type { Logger } from '../platform/log.ts';
import { isTerminal } from '../schemas/run-words.ts';
import { untilStored } from './store-retry.ts';
import type { RunRecord, RunStore } from './store/run-store.ts';

/** The runs of one call that end together: at the first failure of one, the others are cancelled. */
export interface Groups {
  changed(run: RunRecord): void;
  ended(run: RunRecord): void;
  /** These are about to end failed: nothing more of their groups is begun. */
  failing(runIds: readonly string[]): void;
  /** Takes up what a restart interrupted. */
  restore(open: readonly RunRecord[]): void;
}

export interface GroupOptions {
  store: RunStore;
  withdraw(runId: string): void;
  cancel(runIds: readonly string[], reason: string): Promise<unknown>;
  log: Logger;
}

const pageSize = 200;

export function createGroups({ store, withdraw, cancel, log }: GroupOptions): Groups {
  /** Those that have not ended, by their group. */
  const members = new Map<string, Set<string>>();
  const groupOf = new Map<string, string>();

  function add({ run_id: runId, spec: { group, on_failure } }: RunRecord): void {
    if (group === undefined || on_failure !== 'stop') return;
    groupOf.set(runId, group);
    members.set(group, (members.get(group) ?? new Set()).add(runId));
  }
  function remove(runId: string): string | undefined {
    const group = groupOf.get(runId);
    if (group === undefined) return undefined;
    groupOf.delete(runId);
    members.get(group)?.delete(runId);
    if (members.get(group)?.size === 0) members.delete(group);
    return group;
  }
  function stop(group: string | undefined, failed: string): void {
    const left = [...(members.get(group ?? '') ?? [])];
    if (left.length > 0) inBackground(() => cancel(left, `${failed} of its group failed.`));
  }
  /** Of all runs of the member's group, the first that failed. */
  async function findFailed({ owner, spec }: RunRecord): Promise<string | undefined> {
    for (let seq = 0; ;) {
      const page = await store.select({ owner, task_id: spec.task_id, after_seq: seq, limit: pageSize });
      const failed = page.find((run) => run.spec.group === spec.group && run.status === 'failed');
      if (failed !== undefined || page.length < pageSize) return failed?.run_id;
      seq = page.at(-1)?.seq ?? seq;
    }
  }
  async function catchUp(member: RunRecord): Promise<void> {
    const failed = await findFailed(member);
    if (failed !== undefined) stop(member.spec.group, failed);
  }
  function inBackground(work: () => Promise<unknown>): void {
    void untilStored(async () => void (await work())).catch((error: unknown) => {
      log.error({ err: error }, 'a group could not be stopped');
    });
  }
  return {
    changed(run) {
      if (!isTerminal(run.status)) add(run);
    },
    ended({ run_id: runId, status }) {
      const group = remove(runId);
      if (status === 'failed') stop(group, runId);
    },
    failing(runIds) {
      for (const runId of runIds) {
        for (const member of members.get(groupOf.get(runId) ?? '') ?? []) withdraw(member);
      }
    },
    restore(open) {
      for (const run of open) add(run);
      const known = new Map(open.map((run) => [groupOf.get(run.run_id), run]));
      known.delete(undefined);
      for (const member of known.values()) inBackground(() => catchUp(member));
    },
  };
}
