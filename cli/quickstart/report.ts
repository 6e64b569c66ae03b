import { estimateTokens, estimateTokensOfBytes } from '../../core/tokens.ts';
import { findInstall } from '../../platform/install.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { programWords, quoteWord } from '../fleet/mount.ts';
import { keptBytes } from '../fleet/show-runs.ts';
import { formatBytes, formatMs, table } from '../output.ts';
import type { Quickstart } from './folder.ts';

/** Tokens of a run's output that stayed out of the parent's context: all of it less the preview. */
function tokensKeptOut(run: RunSnapshot): number {
  return Math.max(0, estimateTokensOfBytes(keptBytes(run)) - estimateTokens(run.preview ?? ''));
}

/** The table of what ran, the sums, and how to read the largest handle. */
export function quickstartReport(place: Quickstart, runs: readonly RunSnapshot[]): string {
  const rows = runs.map((run) => [
    run.label ?? run.run_id,
    run.worker ?? '–',
    run.outcome === undefined ? run.status : `${run.status} (${run.outcome})`,
    formatMs(run.queued_ms),
    formatMs(run.ttfu_ms),
    formatMs(run.duration_ms),
    formatBytes(keptBytes(run)),
    tokensKeptOut(run).toLocaleString('en-US'),
  ]);
  const headings = [
    'run',
    'worker',
    'status',
    'queued',
    'first output',
    'duration',
    'kept',
    'tokens kept out',
  ];
  const completed = runs.filter(({ status }) => status === 'completed').length;
  const bytes = runs.reduce((sum, run) => sum + keptBytes(run), 0);
  const tokens = runs.reduce((sum, run) => sum + tokensKeptOut(run), 0);
  return [
    table(headings, rows, [3, 4, 5, 6, 7]),
    '',
    `${String(completed)} of ${String(runs.length)} runs completed on ${String(new Set(runs.map(({ worker }) => worker)).size)} workers; ` +
      `${formatBytes(bytes)} behind handles, about ${tokens.toLocaleString('en-US')} tokens kept out of the parent's context.`,
    ...runs.flatMap((run) => (run.error === undefined ? [] : [`${run.label ?? run.run_id}: ${run.error}`])),
    '',
    ...readingLines(place, runs),
  ].join('\n');
}

function readingLines(place: Quickstart, runs: readonly RunSnapshot[]): string[] {
  const handles = runs.flatMap((run) =>
    (run.handles ?? []).map((handle) => ({ ...handle, label: run.label })),
  );
  const [largest] = handles.toSorted((a, b) => b.bytes - a.bytes);
  if (largest === undefined) return [];
  const program = programWords(findInstall(), place.env).map(quoteWord).join(' ');
  const state = quoteWord(place.paths.stateDir);
  return [
    `One handle to read (${largest.label ?? 'run'}, ${largest.stream}, ${formatBytes(largest.bytes)}):`,
    `  CODEX_FLEET_STATE_DIR=${state} ${program} read ${largest.handle_id} --head 40`,
  ];
}
