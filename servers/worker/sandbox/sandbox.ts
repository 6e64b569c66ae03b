import { dirname } from 'node:path';
import { askedSandbox, dispensable, holdsLayer, planSandbox, sandboxNote } from '../../../core/sandbox.ts';
import { contains } from '../../../core/cwd-rule.ts';
import { findInstall } from '../../../platform/install.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Pipeline, Stage } from '../../../schemas/pipeline.ts';
import type { HostsState, LayerState, SandboxLayer } from '../../../schemas/sandbox.ts';
import type { EngineReport } from '../engines/engine.ts';
import type { ReapingLayer } from '../runner/layer.ts';
import type { StartProcess } from '../runner/process.ts';
import { confinementOf } from './confine.ts';
import { realPaths } from './private-places.ts';
import { refuseHoles, scopeFor } from './scope.ts';
import { createHosts } from './network/hosts.ts';
import type { Proven } from './try-ways.ts';

/** What of a stage decides how it is confined. */
export interface ConfinedStage {
  stage: Stage;
  pipeline: Pipeline;
  cwd: string;
  config: Config;
  env: Readonly<Record<string, string>>;
  report(report: EngineReport): void;
}

export interface Sandbox {
  /** Tries every layer once, and answers what came of it. */
  prove(): Promise<readonly LayerState[]>;
  /** Tries whether a list of hosts holds. */
  proveHosts(): Promise<HostsState>;
  /** What came of it, where it was tried. */
  readonly known: () => readonly (LayerState | HostsState)[] | undefined;
  /** SANDBOX_UNAVAILABLE where the stages cannot have the sandbox they ask for, INVALID_INPUT where it has holes. */
  check(asked: { config: Config; pipeline: Pipeline; stages: readonly Stage[]; cwd: string }): Promise<void>;
  /** Starts the processes of a stage as its profile says; throws what check() would. */
  around(startProcess: StartProcess, start: ConfinedStage): StartProcess;
  /**
   * Starts our own Git in a run's private copy, confined as the profile says, without network; undefined
   * under the profile `off`, and where no namespaces hold.
   */
  aroundCopy(startProcess: StartProcess, copy: PrivateCopy): Promise<StartProcess | undefined>;
}

/** A private copy, and what it borrows of Git's objects. */
export interface PrivateCopy {
  config: Config;
  pipeline: Pipeline;
  root: string;
  objectDirs: readonly string[];
  env: Readonly<Record<string, string>>;
}

/**
 * The sandbox of command stages. What Codex runs is confined by Codex's own sandbox inside of ours for
 * reaping: two that both confine cannot be nested everywhere, and its own was proven by its engine.
 */
export function createSandbox(options: {
  layer: ReapingLayer;
  /** Of the worker; the proof makes a folder in it. */
  dir: string;
  ours: readonly string[];
  /** PATH, where what Landlock takes is looked for. */
  path?: string;
  home?: string;
}): Sandbox {
  const { layer, dir, ours, path = '', home = '/root' } = options;
  let proof: Promise<Proven> | undefined;
  let proven: Proven | undefined;

  const prove = async (): Promise<readonly LayerState[]> => {
    proof ??= import('./try-ways.ts').then(({ tryWays }) => tryWays(layer, dir, path));
    proven = await proof;
    return proven.states;
  };

  const hosts = createHosts({ layer, dir, path, proven: () => prove().then(() => proven) });

  return {
    prove,
    proveHosts: hosts.prove,
    known: () => proven && [...proven.states, ...hosts.known()],
    async check({ config, pipeline, stages, cwd }) {
      const asked = askedSandbox(config, pipeline);
      if (!stages.some(isConfined)) return;
      refuseHoles(scopeFor({ config, pipeline, cwd }), home, ours);
      if (typeof asked.network !== 'boolean') await hosts.check(asked.profile);
      if (asked.profile === 'off') return;
      await prove();
      const without = dispensable(asked, config);
      planSandbox(asked.profile, statesFor(without, proven), without);
    },
    around(startProcess, { stage, pipeline, cwd, config, env, report }) {
      const asked = askedSandbox(config, pipeline);
      if (!isConfined(stage)) return startProcess;
      const start = hosts.around(startProcess, asked, config.sandbox, report);
      if (asked.profile === 'off') return startProcess;
      const without = dispensable(asked, config);
      const plan = planSandbox(asked.profile, statesFor(without, proven), without);
      report({ kind: 'note', text: sandboxNote(asked, plan) });
      if (plan.without.length > 0)
        report({ kind: 'degraded', layers: plan.without.map((state) => state.layer) });
      const { profile } = plan;
      const way = proven?.way;
      if (profile === 'off' || way === undefined) return startProcess;
      const { read_only: readOnly } = pipeline;
      const { sandbox } = config;
      const places = {
        cwd,
        readOnly,
        network: asked.network === true,
        env,
        tmpBytes: sandbox.tmp_bytes,
        scope: scopeFor({ config, pipeline, cwd }),
        ours,
        programs: ourPrograms(),
      };
      const confinement = {
        ...confinementOf(profile, places),
        filtersCalls: holdsLayer(plan, 'system_calls'),
      };
      const files = without.includes('filesystem') ? 'in part' : 'whole';
      return (spec, io) => start(way.confine(spec, confinement, files), io);
    },
    async aroundCopy(startProcess, { config, pipeline, root, objectDirs, env }) {
      const { profile } = askedSandbox(config, pipeline);
      if (profile === 'off') return undefined;
      await prove();
      const way = proven?.way;
      if (way?.by !== 'namespaces') return undefined;
      const [top = root] = realPaths([root]);
      // What the run had hidden from it in its own folder is not to be taken for removed.
      const hide = scopeFor({ config, pipeline, cwd: root }).hide.filter((path) => !contains(top, path));
      const confinement = confinementOf(profile, {
        cwd: root,
        readOnly: false,
        network: false,
        env: { HOME: home, ...env },
        tmpBytes: config.sandbox.tmp_bytes,
        scope: { write: [], read: realPaths(objectDirs), hide },
        ours,
        programs: ourPrograms(),
      });
      const filters = proven?.states.some(isFilter) === true;
      const confined = { ...confinement, filtersCalls: confinement.filtersCalls && filters };
      return (spec, io) => startProcess(way.confine(spec, confined, 'whole'), io);
    },
  };
}

/**
 * Landlock knows no modes, owners and times of files: it holds all of the layer only where none are changed,
 * which many programs do not bear. Where the configuration can do with less, they may.
 */
function statesFor(without: readonly SandboxLayer[], proven: Proven | undefined): readonly LayerState[] {
  const states = proven?.states ?? [];
  if (proven?.way?.by !== 'landlock' || !without.includes('filesystem')) return states;
  return states.map((state) =>
    state.layer === 'filesystem' && state.state === 'enforced' ? { ...state, ...filesInPart } : state,
  );
}

const filesInPart = { state: 'degraded', why: 'modes and times of files outside can be changed' } as const;

/** The folder of our package: its built files need those beside them. */
function ourPrograms(): string {
  return dirname(dirname(dirname(findInstall().entry)));
}

function isFilter({ layer, state }: LayerState): boolean {
  return layer === 'system_calls' && state === 'enforced';
}

function isConfined(stage: Stage): boolean {
  return stage.engine === 'command';
}
