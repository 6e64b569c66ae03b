import { sanitize } from '../../core/sanitize.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import { formatBytes, formatMs } from '../output.ts';
import { keptBytes, runLine } from './show-runs.ts';

export interface Progress {
  update(run: RunSnapshot): void;
  /** Leaves the terminal as it should be found. */
  end(): void;
}

/**
 * Shows on stderr how runs get on: a line for each change of state, and on a terminal one more that
 * is kept up to date.
 */
export function showProgress(expected: number): Progress {
  const startedAt = Date.now();
  const runs = new Map<string, RunSnapshot>();
  const live = process.stderr.isTTY;
  const since = (): string => formatMs(Date.now() - startedAt).padStart(7);

  const drawTotals = (): void => {
    const all = [...runs.values()];
    const ended = all.filter(({ status }) => isTerminal(status)).length;
    const running = all.filter(({ status }) => status === 'running').length;
    const bytes = all.reduce((sum, run) => sum + keptBytes(run), 0);
    const totals = `${String(ended)}/${String(expected)} ended · ${String(running)} running · ${formatBytes(bytes)} kept`;
    process.stderr.write(`\r\u001B[2K${since()}  ${totals}`);
  };
  const eraseTotals = (): void => {
    if (live) process.stderr.write('\r\u001B[2K');
  };
  const tick = live ? setInterval(drawTotals, 250) : undefined;

  return {
    update: (run) => {
      const before = runs.get(run.run_id);
      runs.set(run.run_id, run);
      if (before?.status !== run.status) {
        eraseTotals();
        process.stderr.write(`${since()}  ${sanitize(runLine(run))}\n`);
      }
      if (live) drawTotals();
    },
    end: () => {
      clearInterval(tick);
      eraseTotals();
    },
  };
}
