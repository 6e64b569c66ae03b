import type { RunSnapshot } from '../../schemas/run.ts';
import { formatBytes, formatMs, table } from '../output.ts';

/** One line about a run's newest state. */
export function runLine(run: RunSnapshot): string {
  const parts = [
    run.label ?? run.run_id,
    run.status,
    run.worker === undefined ? '' : `on ${run.worker}`,
    run.outcome ?? '',
    run.waiting_for === undefined ? '' : `waits for ${run.waiting_for}`,
    run.question === undefined ? '' : `asks: ${run.question}`,
    run.duration_ms === undefined ? '' : `in ${formatMs(run.duration_ms)}`,
    keptBytes(run) === 0 ? '' : `${formatBytes(keptBytes(run))} kept`,
    run.error ?? '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

export function keptBytes(run: RunSnapshot): number {
  return (run.handles ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The table of runs, then each run's handles and preview. */
export function runReport(runs: readonly RunSnapshot[]): string {
  const rows = runs.map((run) => [
    run.run_id,
    run.label ?? '',
    run.worker ?? '',
    run.status,
    run.outcome ?? '',
    formatMs(run.duration_ms),
    formatBytes(keptBytes(run)),
  ]);
  const heads = table(['run', 'label', 'worker', 'status', 'outcome', 'duration', 'kept'], rows, [5, 6]);
  return [heads, ...runs.map(runBody).filter((body) => body !== '')].join('\n\n');
}

function runBody(run: RunSnapshot): string {
  const handles = (run.handles ?? []).map(
    ({ handle_id, stream, stage, bytes, lines }) =>
      `  ${handle_id}  ${[stage, stream].filter((part) => part !== undefined).join(' ')}  ${formatBytes(bytes)}, ${String(lines)} lines`,
  );
  const lines = [...(run.error === undefined ? [] : [`  ${run.error}`]), ...handles];
  if (run.preview !== undefined && run.preview !== '') lines.push(run.preview.trimEnd());
  return lines.length === 0 ? '' : [`${run.label ?? run.run_id}:`, ...lines].join('\n');
}
