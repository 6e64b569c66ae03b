import { parseArgs } from 'node:util';
import { ofCodex } from './chaos/codex.ts';
import { print } from './chaos/report.ts';
import { play, type Result, type Scenario } from './chaos/scenario.ts';
import { atFailpoints, atRandom, onFullDisk, shortRuns, withCutFiles } from './chaos/scenarios.ts';
import { timeOf } from './chaos/time.ts';

/**
 * `npm run chaos`: fleets of real processes, killed at every failpoint and at random times, with files
 * cut short and full disks, of commands and of Codex; what they run keeps a record of its own, by which
 * every run is judged. What is done, and in which order, follows from the seed. It never takes longer
 * than it may: what it did not come to it says, and then it has not passed.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** How long it may take in all. */
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
const time = timeOf(forMs);
const replay =
  `npm run chaos -- --seed ${String(seed)} --minutes ${values.minutes} --runs ${values.runs}` +
  ` --short ${values.short}${values.only === '' ? '' : ` --only ${values.only}`}`;

/** Those that cannot be played on this machine, and why. */
const missing: string[] = [];
const codex = await ofCodex(forMs * 0.08, 8);
if (codex === undefined) missing.push('Codex: not run, its binary is not in test/clients/node_modules');
const isRoot = process.getuid?.() === 0;
if (!isRoot) missing.push('full disk: not run, only root may mount a file system');
const scenarios: Scenario[] = [
  atFailpoints(Math.min(inFlight, 16), 'all'),
  atRandom(forMs * 0.18, inFlight),
  withCutFiles(forMs * 0.05, Math.min(inFlight, 60)),
  ...(isRoot ? [onFullDisk(Math.min(inFlight, 60))] : []),
  ...(codex === undefined ? [] : [codex]),
  shortRuns(Number(values.short), Math.min(inFlight, 64)),
].filter(({ name }) => name.includes(values.only));

const results: Result[] = [];
const unreached: string[] = [];
for (const scenario of scenarios) {
  if (time.isUp()) {
    unreached.push(`${scenario.name}: all of it`);
    continue;
  }
  process.stderr.write(`${scenario.name}, seed ${String(seed)}\n`);
  const result = await play(scenario, seed, time);
  results.push(result);
  unreached.push(...result.unreached.map((what) => `${scenario.name}: ${what}`));
}
const pass = print({ seed, replay, results, missing, unreached });
// What a fleet that was cut off is still waited for keeps this process alive.
process.exit(pass ? 0 : 1);
