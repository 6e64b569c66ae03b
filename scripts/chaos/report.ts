import { writeSync } from 'node:fs';
import { columns } from '../bench/statistics.ts';
import type { Result } from './scenario.ts';
import { promises } from './violation.ts';

export interface Report {
  seed: number;
  /** The command that plays it again. */
  replay: string;
  results: readonly Result[];
  missing: readonly string[];
  unreached: readonly string[];
}

const shown = 40;
const head = [
  'scenario',
  'runs',
  'coordinators',
  'workers',
  'engines',
  'bridges',
  'recovered',
  'ended lost',
  'slowest s',
  ...promises.map((promise) => (promise === 'slots' ? 'leaked slots' : promise)),
  'took s',
];

function row(result: Result): string[] {
  const { scenario, runs, deaths, outcomes, recovered, worstSettleMs, leakedSlots, tookMs } = result;
  const broken = promises.map((promise) => {
    const count = result.violations.filter((violation) => violation.promise === promise).length;
    return promise === 'slots' ? Math.max(leakedSlots, count) : count;
  });
  const { coordinator, worker, engine, bridge } = deaths;
  const counts = [runs, coordinator, worker, engine, bridge, recovered, outcomes['lost'] ?? 0];
  return [
    scenario,
    ...counts.map(String),
    (worstSettleMs / 1000).toFixed(1),
    ...broken.map(String),
    (tookMs / 1000).toFixed(0),
  ];
}

/** Says how it went, and answers whether it went well: nothing broken, and nothing left out for want of time. */
export function print({ seed, replay, results, missing, unreached }: Report): boolean {
  const pass = unreached.length === 0 && results.every(({ violations }) => violations.length === 0);
  const broken = results.flatMap(({ scenario, violations }) =>
    violations.map(({ promise, what }) => `${scenario}: ${promise}: ${what}`),
  );
  const json = results.map((result) => ({ ...result, violations: result.violations.slice(0, shown) }));
  const lines = [
    ...broken.slice(0, shown),
    ...(broken.length > shown ? [`and ${String(broken.length - shown)} more`] : []),
    'Killed: coordinators, workers, engines, bridges. Recovered: runs completed by a later attempt.',
    columns([head, ...results.map(row)]),
    ...missing,
    ...unreached.map((what) => `Not reached, ${what}`),
    `Replay: ${replay}`,
    JSON.stringify({ chaos: 'fleet', seed, pass, missing, unreached, results: json }),
  ];
  writeSync(process.stdout.fd, `${lines.join('\n')}\n`);
  return pass;
}
