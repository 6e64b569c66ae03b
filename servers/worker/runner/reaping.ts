import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { FleetError } from '../../../core/errors.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Reaping } from '../../../schemas/worker.ts';
import { bestEffortLayer } from './best-effort.ts';
import { cgroupLayer, findOwnCgroup } from './cgroup.ts';
import { bwrapBesideCodex, findPrograms } from './find-programs.ts';
import type { ReapingLayer } from './layer.ts';
import { openLedger } from './ledger.ts';
import { pidNamespaceLayer } from './pid-namespace.ts';
import { spawnBy, type SpawnRun } from './spawn-child.ts';
import { Spawner } from './spawner.ts';
import { tryLayer } from './try-layer.ts';

export interface ReapingOptions {
  config: Pick<Config, 'reaping'>;
  /** PATH of the worker, where bwrap, nsenter and setsid are looked for. */
  path: string;
  /** 0700; keeps the note of what a later boot must end. */
  stateDir: string;
  /** Codex's own executable where there is one: its package ships a bwrap. */
  codexBinary?: string | undefined;
}

export interface LayerReport {
  reaping: Reaping;
  works: boolean;
  /** Where it does not work: why, and what would help. */
  why?: string;
}

export interface ReapingProbe {
  readonly layer: ReapingLayer;
  readonly reaping: Reaping;
  /** Layers tried, best first. */
  readonly tried: readonly LayerReport[];
}

type Make = () => ReapingLayer | undefined;

/**
 * The best layer that really works here, tried by running something in it: pid_namespace, cgroup, then
 * best_effort. SANDBOX_UNAVAILABLE where the configuration names one layer and it does not work.
 * Once per boot, on the main thread; close the layer at the end.
 */
export async function probeReaping(options: ReapingOptions): Promise<ReapingProbe> {
  const asked = options.config.reaping;
  const tried: LayerReport[] = [];
  for (const [reaping, makers] of candidates(options)) {
    if (asked !== 'auto' && asked !== reaping) continue;
    const { layer, report } = await firstWorking(reaping, makers, options.path);
    tried.push(report);
    if (layer !== undefined) return { layer: sayingWhy(layer, tried), reaping, tried };
  }
  const why = tried.map((report) => report.why).join('; ');
  throw new FleetError('SANDBOX_UNAVAILABLE', `Reaping by ${asked} does not work here: ${why}.`, {
    next: 'Set "reaping" to "auto" in the configuration, or run `codex-fleet doctor` for the fix.',
  });
}

/** What cannot confine tells why that which can is not there. */
function sayingWhy(layer: ReapingLayer, tried: readonly LayerReport[]): ReapingLayer {
  const namespaces = tried.find(({ reaping, works }) => reaping === 'pid_namespace' && !works);
  if (layer.whyNotConfined === undefined || namespaces?.why === undefined) return layer;
  return { ...layer, whyNotConfined: namespaces.why };
}

/** Every layer tried, for `doctor`; nothing of them is left running. */
export async function reportReaping(options: Omit<ReapingOptions, 'config'>): Promise<LayerReport[]> {
  const reports: LayerReport[] = [];
  for (const [reaping, makers] of candidates(options)) {
    const { layer, report } = await firstWorking(reaping, makers, options.path);
    reports.push(report);
    await layer?.close();
  }
  return reports;
}

async function firstWorking(
  reaping: Reaping,
  makers: readonly Make[],
  path: string,
): Promise<{ layer?: ReapingLayer; report: LayerReport }> {
  const reasons: string[] = [];
  for (const make of makers) {
    try {
      const layer = make();
      if (layer === undefined) continue;
      const why = await tryLayer(layer, findPrograms('setsid', path)[0]);
      if (why === undefined) return { layer, report: { reaping, works: true } };
      reasons.push(why);
      await layer.close();
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  const why = reasons.length === 0 ? missing[reaping] : reasons.join('; ');
  return { report: { reaping, works: false, why } };
}

const missing: Record<Reaping, string> = {
  pid_namespace: 'no bwrap, nsenter and setsid found: install bubblewrap and util-linux',
  cgroup: 'no cgroup v2 hierarchy is mounted',
  best_effort: 'no process could be started',
};

function candidates(options: Omit<ReapingOptions, 'config'>): [Reaping, Make[]][] {
  const { path, stateDir, codexBinary } = options;
  const bwraps = [
    ...findPrograms('bwrap', path),
    ...(codexBinary === undefined ? [] : bwrapBesideCodex(codexBinary)),
  ];
  const [nsenter] = findPrograms('nsenter', path);
  const [setsid] = findPrograms('setsid', path);
  const [setpriv] = findPrograms('setpriv', path);
  const [perl] = findPrograms('perl', path);
  const spawning = (make: (spawnRun: SpawnRun) => ReapingLayer): ReapingLayer => {
    const spawner = perl === undefined ? undefined : new Spawner(perl, stateDir);
    const layer = make(spawnBy(spawner));
    return {
      ...layer,
      prepare: async () => spawner?.open(),
      async close() {
        await layer.close();
        spawner?.close();
      },
    };
  };
  return [
    [
      'pid_namespace',
      nsenter === undefined || setsid === undefined
        ? []
        : bwraps.map(
            (bwrap) => () =>
              spawning((spawnRun) => pidNamespaceLayer({ bwrap, nsenter, setsid, setpriv, perl, spawnRun })),
          ),
    ],
    ['cgroup', [() => makeCgroupLayer(stateDir)]],
    ['best_effort', [() => spawning((spawnRun) => bestEffortLayer(openLedger(stateDir), spawnRun))]],
  ];
}

function makeCgroupLayer(stateDir: string): ReapingLayer | undefined {
  const home = findOwnCgroup();
  if (home === undefined) return undefined;
  const base = join(home, `codex-fleet-${String(process.pid)}-${randomBytes(4).toString('hex')}`);
  const layer = cgroupLayer(home, base);
  const ledger = openLedger(stateDir);
  ledger.cgroup(base);
  return {
    ...layer,
    async close() {
      await layer.close();
      ledger.close();
    },
  };
}
