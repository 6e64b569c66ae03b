import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openKeptManifests } from '../../coordinator/manifest/kept-manifests.ts';
import type { Manifest } from '../../schemas/manifest.ts';
import { openOracle, type Oracle } from './oracle.ts';
import { killAll, processesOf, watchDeaths } from './processes.ts';
import { createRandom } from './random.ts';
import { checkLeft, awaitIdle, settle } from './settle.ts';
import { makeSite, type Site, type SiteOptions } from './site.ts';
import type { Time } from './time.ts';
import type { Stage } from './stage.ts';
import { createTraffic, type Traffic, type Work } from './traffic.ts';
import { judgeRun } from './verdict.ts';
import type { Violation } from './violation.ts';

export interface Scenario {
  name: string;
  site: SiteOptions;
  work: Work;
  diskWasFull?: boolean;
  filesWereCut?: boolean;
  /** What really ran, where the commands' own record does not tell it. */
  oracle?: Oracle;
  /** Before anything of the fleet runs. */
  prepare?(site: Site): Promise<() => Promise<void>>;
  faults(stage: Stage): Promise<void>;
}

export interface Result {
  scenario: string;
  runs: number;
  /** Processes of the fleet that died, seen from outside. */
  deaths: { coordinator: number; worker: number; engine: number; bridge: number };
  outcomes: Record<string, number>;
  /** Runs that completed although an attempt of theirs had failed. */
  recovered: number;
  worstSettleMs: number;
  /** Slots of the fleet that held no run when it had as many as slots. */
  leakedSlots: number;
  tookMs: number;
  violations: Violation[];
  unreached: string[];
}

const lookMs = 40;
/** No run is so old that it is no longer kept. */
const keepMs = 86_400_000;

/**
 * Brings a fleet up, lets the faults loose on it, waits until all has settled, and judges every run; all
 * within the time there is, and where that is over, as far as it has come.
 */
export async function play(scenario: Scenario, seed: number, time: Time): Promise<Result> {
  const begunMs = performance.now();
  const site = await makeSite(scenario.site);
  const undo = await scenario.prepare?.(site);
  const oracle = scenario.oracle ?? openOracle(site.oracleFile);
  const deaths = watchDeaths(site);
  const looking = setInterval(() => {
    deaths.look();
    oracle.look();
  }, lookMs);
  const random = createRandom(seed);
  const kills = { coordinator: 0, worker: 0, engine: 0, bridge: 0 };
  const traffic = createTraffic({ site, random, work: scenario.work });
  const known = { site, time, random, oracle, deaths, killed: new Set<string>() };
  const stage: Stage = { ...known, traffic, violations: [], unreached: [], kills };
  try {
    const measured = await within(time, act(stage, scenario));
    if (measured === undefined) stage.unreached.push('its end');
    const left = measured === undefined ? [] : processesOf(site);
    for (const { pid, words } of left)
      stage.violations.push({
        promise: 'orphans',
        what: `left after down: ${String(pid)} ${words.join(' ')}`,
      });
    return {
      scenario: scenario.name,
      runs: traffic.asked.length,
      deaths: { ...kills, coordinator: deaths.count('coordinator'), worker: deaths.count('local-') },
      ...reading(site, (manifestOf) => countEnds(traffic, manifestOf)),
      worstSettleMs: measured?.worstSettleMs ?? 0,
      leakedSlots: measured?.leakedSlots ?? 0,
      tookMs: performance.now() - begunMs,
      violations: stage.violations,
      unreached: stage.unreached,
    };
  } finally {
    clearInterval(looking);
    traffic.abandon();
    await killAll(site);
    await undo?.();
    await site.remove();
  }
}

async function act(
  stage: Stage,
  scenario: Scenario,
): Promise<{ worstSettleMs: number; leakedSlots: number }> {
  const { site, traffic } = stage;
  await site.cli('up');
  await awaitIdle(traffic);
  await scenario.faults(stage);
  const worstSettleMs = await settle(stage);
  const leakedSlots = await checkLeft(stage);
  await traffic.close();
  await site.cli('down', '--cancel');
  stage.oracle.look();
  const { diskWasFull = false, filesWereCut = false } = scenario;
  reading(site, (manifestOf) => {
    const evidence = { ...stage, manifestOf, diskWasFull, filesWereCut };
    for (const one of traffic.asked) stage.violations.push(...judgeRun(one, evidence));
  });
  return { worstSettleMs, leakedSlots };
}

/** undefined where the time was over first. */
async function within<T>(time: Time, work: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([work, delay(time.leftMs(), undefined, { signal: over.signal })]);
  } finally {
    over.abort();
    // It goes on until it misses what is taken away from it now.
    work.catch(() => undefined);
  }
}

type ManifestOf = (runId: string) => Manifest | undefined;

/** What the fleet has kept of its runs: nothing where it never came up. */
function reading<T>({ paths: { database } }: Site, use: (manifestOf: ManifestOf) => T): T {
  if (!existsSync(database)) return use(() => undefined);
  const kept = openKeptManifests(database, keepMs, 'enforce');
  try {
    return use(kept.of);
  } finally {
    kept.close();
  }
}

function countEnds(traffic: Traffic, manifestOf: ManifestOf): Pick<Result, 'outcomes' | 'recovered'> {
  const outcomes: Record<string, number> = {};
  let recovered = 0;
  for (const { runId = '' } of traffic.asked) {
    const { outcome, status, attempts = [] } = manifestOf(runId) ?? {};
    const kind = outcome?.kind ?? 'none';
    outcomes[kind] = (outcomes[kind] ?? 0) + 1;
    if (status === 'completed' && attempts.some(({ retry }) => retry !== undefined)) recovered += 1;
  }
  return { outcomes, recovered };
}
