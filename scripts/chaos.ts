import { parseArgs } from 'node:util';
import { columns } from './bench/statistics.ts';
import { play, type Result } from './chaos/scenario.ts';
import { atFailpoints, atRandom, onFullDisk, shortRuns, withCutFiles } from './chaos/scenarios.ts';

/**
 * `npm run chaos`: fleets of real processes, killed at every failpoint and at random times, with files
 * cut short and full disks; the commands they run keep a record of their own, by which every run is
 * judged. What is done, and when, follows from the seed.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Bounds the parts that go on for a time; the whole takes about as long. */
    minutes: { type: 'string', default: '10' },
    /** Runs under way at a time. */
    runs: { type: 'string', default: '200' },
    short: { type: 'string', default: '10000' },
    /** Part of the names of the scenarios to play. */
    only: { type: 'string', default: '' },
  },
});
const seed = Number(values.seed);
const inFlight = Number(values.runs);
const forMs = Number(values.minutes) * 60_000;
const scenarios = [
  atFailpoints(Math.min(inFlight, 16), 'all'),
  atRandom(forMs * 0.3, inFlight),
  withCutFiles(forMs * 0.1, Math.min(inFlight, 60)),
  ...(process.getuid?.() === 0 ? [onFullDisk(Math.min(inFlight, 60))] : []),
  shortRuns(Number(values.short), inFlight),
].filter(({ name }) => name.includes(values.only));

const results: Result[] = [];
for (const scenario of scenarios) {
  process.stderr.write(`${scenario.name}, seed ${String(seed)}\n`);
  results.push(await play(scenario, seed));
}

const head = [
  'scenario',
  'runs',
  'coordinators',
  'workers',
  'engines',
  'bridges',
  'lost',
  'slowest s',
  'violations',
];
const row = ({ scenario, runs, deaths, outcomes, worstSettleMs, violations }: Result): string[] => [
  scenario,
  ...[runs, deaths.coordinator, deaths.worker, deaths.engine, deaths.bridge, outcomes['lost'] ?? 0].map(
    String,
  ),
  (worstSettleMs / 1000).toFixed(1),
  String(violations.length),
];
for (const { scenario, violations } of results) {
  for (const violation of violations) process.stdout.write(`${scenario}: ${violation}\n`);
}
process.stdout.write(
  `Killed: coordinators, workers, engines, bridges.\n${columns([head, ...results.map(row)])}\n`,
);
const pass = results.every(({ violations }) => violations.length === 0);
const diskWasFilled = results.some(({ scenario }) => scenario === 'full disk');
process.stdout.write(
  `${JSON.stringify({ chaos: 'fleet', seed, pass, full_disk: diskWasFilled ? 'played' : 'needs root', results })}\n`,
);
process.exitCode = pass ? 0 : 1;
