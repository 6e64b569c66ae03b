import { setTimeout as delay } from 'node:timers/promises';
import { rmSync } from 'node:fs';
import { failpointNames, type FailpointName } from '../../platform/failpoint.ts';
import { fillDisk, killAndCut, killAt, mountSmall, strike } from './faults.ts';
import { goOn } from './go-on.ts';
import type { Scenario } from './scenario.ts';

/** Of a worker, which dies on its own; the others are the coordinator's. */
const ofWorker = /^(record|handle|ledger)\./;

/** Reached by budgets, drains, what is forgotten, private copies, private values, large outputs, workers elsewhere and after a thousand lines only: tests of their own die there. */
const rare =
  /^store\.(end|drain|forget|settle|tell|vault)\.|\.(deleted|compact)\.|^(blob|replica|sealed|master_key)\./;
/** Those of stores and journals, at which tests of their own die. */
const elsewhere = /^(store|record)\.|^handle\.(open|sealed)\./;
/** Of those, some where most depends on what the other side of the fleet does next. */
const delicate = new Set<FailpointName>([
  'store.claim.after',
  'store.progress.before',
  'store.finish.before',
  'record.open.after',
  'record.sealed.before',
  'record.sealed.torn',
]);

/** All that traffic leads to, or those that only a fleet reaches and the delicate ones. */
export function failpointsOf(choice: 'all' | 'few'): FailpointName[] {
  const names = failpointNames.filter((name) => !rare.test(name));
  return choice === 'all' ? names : names.filter((name) => !elsewhere.test(name) || delicate.has(name));
}

/** A coordinator dies and a worker dies, at one failpoint each, until all were reached. */
export function atFailpoints(inFlight: number, choice: 'all' | 'few'): Scenario {
  const names = failpointsOf(choice);
  const workers = names.filter((name) => ofWorker.test(name));
  const coordinators = names.filter((name) => !ofWorker.test(name));
  return {
    name: 'at failpoints',
    site: { reaping: 'best_effort', workers: 2, slots: 4 },
    work: { longestMs: 150 },
    async faults(stage) {
      const rounds = Math.max(workers.length, coordinators.length);
      for (let round = 0; round < rounds; round += 1) {
        const points = [...coordinators.slice(round, round + 1), ...workers.slice(round, round + 1)];
        await killAt(stage, points, { inFlight, round });
      }
    },
  };
}

export function atRandom(forMs: number, inFlight: number): Scenario {
  return {
    name: 'at random times',
    site: { reaping: 'auto', workers: 4, slots: 8 },
    work: { longestMs: 1_500 },
    faults: (stage) =>
      goOn(stage, forMs, async (n) => {
        await stage.traffic.fill(inFlight);
        await strike(stage, n);
        await delay(stage.random.of('round', n).int(700));
      }),
  };
}

export function withCutFiles(forMs: number, inFlight: number): Scenario {
  return {
    name: 'files cut short',
    site: { reaping: 'auto', workers: 2, slots: 8 },
    work: { longestMs: 600 },
    filesWereCut: true,
    faults: (stage) =>
      goOn(stage, forMs, async (n) => {
        await stage.traffic.fill(inFlight);
        await delay(300 + stage.random.of('round', n).int(900));
        killAndCut(stage, n);
      }),
  };
}

/** The state folder on a file system of its own that fills up and is freed again, thrice. */
export function onFullDisk(inFlight: number): Scenario {
  return {
    name: 'full disk',
    site: { reaping: 'auto', workers: 2, slots: 8 },
    work: { longestMs: 400 },
    diskWasFull: true,
    prepare: mountSmall,
    async faults(stage) {
      for (let round = 0; round < 3; round += 1) {
        if (stage.time.isUp()) stage.unreached.push(`disk full for the ${String(round + 1)}. time`);
        if (stage.time.isUp()) return;
        const random = stage.random.of('round', round);
        await stage.traffic.fill(inFlight);
        await delay(300 + random.int(700));
        const ballast = fillDisk(stage.site);
        // Refused while nothing can be kept, and asked for again.
        const filling = stage.traffic.fill(2 * inFlight);
        await delay(500 + random.int(1_500));
        if (round === 1) await strike(stage, round);
        await delay(500 + random.int(1_500));
        rmSync(ballast);
        await filling;
      }
    },
  };
}

/** So many runs that do nothing: whatever one of them leaves behind adds up. */
export function shortRuns(total: number, inFlight: number): Scenario {
  return {
    name: `${String(total)} short runs`,
    site: { reaping: 'best_effort', workers: 4, slots: 8 },
    work: { longestMs: 1, batch: 32 },
    async faults({ traffic, time, unreached }) {
      while (traffic.asked.length < total && !time.isUp()) {
        await traffic.fill(Math.min(inFlight, traffic.open + total - traffic.asked.length));
        await delay(10);
      }
      const left = total - traffic.asked.length;
      if (left > 0) unreached.push(`${String(left)} of ${String(total)} runs`);
    },
  };
}
