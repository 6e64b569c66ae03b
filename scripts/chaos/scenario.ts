import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { openOracle, type Oracle } from './oracle.ts';
import { processesOf, runningCommands, watchDeaths, type Deaths } from './processes.ts';
import { createRandom, type Random } from './random.ts';
import { makeSite, type Site, type SiteOptions } from './site.ts';
import { createTraffic, type Traffic } from './traffic.ts';
import { judgeRun, readManifest } from './verdict.ts';

/** A fleet under fire, as the faults see it. */
export interface Stage {
  site: Site;
  random: Random;
  traffic: Traffic;
  oracle: Oracle;
  deaths: Deaths;
  /** Ids of commands that were killed from outside. */
  killed: Set<string>;
  /** Wrong in itself, whatever becomes of the runs. */
  violations: string[];
  kills: Record<'coordinator' | 'worker' | 'engine' | 'bridge', number>;
}

export interface Scenario {
  name: string;
  site: SiteOptions;
  longestMs: number;
  diskWasFull?: boolean;
  filesWereCut?: boolean;
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
  worstSettleMs: number;
  violations: string[];
}

/** Of a lease, and 5 s. */
const stuckMs = 35_000;
const lookMs = 40;
const afterwardsMs = 12_000;

/** Brings a fleet up, lets the faults loose on it, waits until all has settled, and judges every run. */
export async function play(scenario: Scenario, seed: number): Promise<Result> {
  const site = await makeSite(scenario.site);
  const undo = await scenario.prepare?.(site);
  const oracle = openOracle(site.oracleFile);
  const deaths = watchDeaths(site);
  const looking = setInterval(() => {
    deaths.look();
    oracle.look();
  }, lookMs);
  const random = createRandom(seed);
  try {
    await site.cli('up');
    const traffic = createTraffic({ site, random, longestMs: scenario.longestMs });
    const kills = { coordinator: 0, worker: 0, engine: 0, bridge: 0 };
    const stage: Stage = { site, random, traffic, oracle, deaths, killed: new Set(), violations: [], kills };
    await awaitIdle(traffic);
    await scenario.faults(stage);
    const worstSettleMs = await settle(stage);
    await checkLeft(stage);
    await traffic.close();
    // Writes the manifests that are still due.
    await site.cli('down', '--cancel');
    judge(stage, scenario);
    const left = processesOf(site).map(
      ({ pid, words }) => `left after down: ${String(pid)} ${words.join(' ')}`,
    );
    return {
      scenario: scenario.name,
      runs: traffic.asked.length,
      deaths: { ...kills, coordinator: deaths.count('coordinator'), worker: deaths.count('local-') },
      outcomes: countOutcomes(stage),
      worstSettleMs,
      violations: [...stage.violations, ...left],
    };
  } finally {
    clearInterval(looking);
    for (const { pid } of processesOf(site)) process.kill(pid, 'SIGKILL');
    await undo?.();
    await site.remove();
  }
}

/** Until every run has ended: how long after its own process, or the last fault, the slowest was seen to. */
async function settle({ traffic, oracle, site, violations }: Stage): Promise<number> {
  const lastFaultMs = Date.now();
  let busyMs = lastFaultMs;
  while (traffic.open > 0 && Date.now() - busyMs < stuckMs) {
    // What still runs, or waits for what runs, is not stuck.
    if (runningCommands(site).length > 0) busyMs = Date.now();
    await delay(100);
  }
  oracle.look();
  let worst = 0;
  for (const { key, endSeenMs = Date.now() } of traffic.asked) {
    const ended = oracle.of(key).endSeenMs;
    if (ended !== undefined)
      worst = Math.max(worst, endSeenMs - Math.max(ended, Math.min(lastFaultMs, endSeenMs)));
  }
  if (traffic.open > 0) violations.push(`${String(traffic.open)} runs did not end within the lease + 5 s`);
  if (worst > stuckMs) violations.push(`a run was told to have ended ${String(worst)} ms after its process`);
  return worst;
}

/** Nothing of a run that has ended is left, neither process nor slot. */
async function checkLeft({ site, traffic, violations }: Stage): Promise<void> {
  for (const begun = Date.now(); Date.now() - begun < afterwardsMs; await delay(100)) {
    if (runningCommands(site).length === 0) break;
  }
  for (const { id } of runningCommands(site)) violations.push(`${id}: still runs after its run has ended`);
  const slots = await awaitIdle(traffic);
  if (slots !== undefined) violations.push(`slots still taken: ${slots}`);
}

function judge(stage: Stage, { diskWasFull = false, filesWereCut = false }: Scenario): void {
  stage.oracle.look();
  for (const one of stage.traffic.asked) {
    stage.violations.push(...judgeRun(one, { ...stage, diskWasFull, filesWereCut }));
  }
}

const workersReply = z.object({
  workers: z.array(z.object({ worker_id: z.string(), state: z.string(), busy: z.int() })),
});

/** Which workers are not up and idle in the end. */
async function awaitIdle(traffic: Traffic): Promise<string | undefined> {
  let slots = '';
  for (const begun = Date.now(); Date.now() - begun < afterwardsMs; await delay(200)) {
    const { workers } = workersReply.parse(await traffic.call('list_workers', {}));
    if (workers.every(({ state, busy }) => state === 'up' && busy === 0)) return undefined;
    slots = JSON.stringify(workers);
  }
  return slots;
}

function countOutcomes({ site, traffic }: Stage): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { runId = '' } of traffic.asked) {
    const kind = readManifest(site, runId)?.outcome?.kind ?? 'none';
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
