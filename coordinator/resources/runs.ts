import { covers } from '../../core/owners.ts';
import { packRuns } from '../../core/poll-reply.ts';
import { sanitize } from '../../core/sanitize.ts';
import { maxReplyBytes } from '../../schemas/tools.ts';
import type { HandlerDeps } from '../handlers/deps.ts';
import { toSnapshot } from '../handlers/to-snapshot.ts';
import type { RunRecord } from '../store/run-store.ts';
import type { ResourceKind } from './kind.ts';
import { runPrefix, runTemplate } from './templates.ts';

const previewTokens = 700;
/** `[` and `]` around the one run of a packed reply. */
const arrayBytes = 2;

/**
 * Runs as resources, read as poll_run shows them. Listed are those that have not ended, by id: a list
 * of every run there ever was would be of no use to anybody.
 */
export function runResources(deps: HandlerDeps): ResourceKind {
  const { store, changes, news } = deps;

  async function find(runId: string, owner: string): Promise<RunRecord | undefined> {
    const run = await store.get(runId);
    return run !== undefined && covers(owner, run.owner) ? run : undefined;
  }
  return {
    template: runTemplate,
    prefix: runPrefix,
    async read(runId, owner) {
      const run = await find(runId, owner);
      if (run === undefined) return undefined;
      const snapshot = toSnapshot(deps, run, run.preview, previewTokens);
      const [shown] = packRuns([{ seq: run.seq, snapshot }], maxReplyBytes + arrayBytes).runs;
      return { run_id: runId, contents: [{ mimeType: runTemplate.mimeType, text: JSON.stringify(shown) }] };
    },
    async watch(runId, owner, changed) {
      if ((await find(runId, owner)) === undefined) return undefined;
      return news.watch((runs) => {
        if (runs.length === 0 || runs.some((run) => run.run_id === runId)) changed();
      });
    },
    async list(owner, after, limit) {
      const last = after?.slice(runPrefix.length) ?? '';
      const ids = [...changes.open].flatMap(([runId, run]) =>
        covers(owner, run.owner) && runId > last ? [runId] : [],
      );
      const page = ids.sort().slice(0, limit);
      const runs = await Promise.all(page.map((runId) => store.get(runId)));
      return runs
        .filter((run) => run !== undefined)
        .map(({ run_id: runId, spec }) => ({
          uri: `${runPrefix}${runId}`,
          name: runId,
          title: sanitize(spec.label ?? spec.task_id),
          mimeType: runTemplate.mimeType,
        }));
    },
  };
}
