import { dirname } from 'node:path';
import { askedSandbox, layersOf, planSandbox, sandboxNote } from '../../../core/sandbox.ts';
import { findInstall } from '../../../platform/install.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Pipeline, Stage } from '../../../schemas/pipeline.ts';
import type { LayerState } from '../../../schemas/sandbox.ts';
import type { EngineReport } from '../engines/engine.ts';
import type { ReapingLayer } from '../runner/layer.ts';
import type { StartProcess } from '../runner/process.ts';
import { confinementOf } from './confine.ts';

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
  /** What came of it, where it was tried. */
  readonly known: () => readonly LayerState[] | undefined;
  /** SANDBOX_UNAVAILABLE where the stages cannot have the sandbox they ask for. */
  check(asked: { config: Config; pipeline: Pipeline; stages: readonly Stage[] }): Promise<void>;
  /** Starts the processes of a stage as its profile says; throws what check() would. */
  around(startProcess: StartProcess, start: ConfinedStage): StartProcess;
}

/** A confined run's own /tmp, whatever the machine's is. */
const ownTmp = '/tmp';

/**
 * The sandbox of command stages. What Codex runs is confined by Codex's own sandbox inside of ours for
 * reaping: two that both confine cannot be nested everywhere, and its own was proven by its engine.
 */
export function createSandbox(options: {
  layer: ReapingLayer;
  /** Of the worker; the proof makes a folder in it. */
  dir: string;
  ours: readonly string[];
}): Sandbox {
  const { layer, dir, ours } = options;
  let proof: Promise<readonly LayerState[]> | undefined;
  let states: readonly LayerState[] | undefined;

  const prove = (): Promise<readonly LayerState[]> => {
    proof ??= tryHere(layer, dir).then((tried) => (states = tried));
    return proof;
  };

  return {
    prove,
    known: () => states,
    async check({ config, pipeline, stages }) {
      const { profile } = askedSandbox(config, pipeline);
      if (profile === 'off' || !stages.some(isConfined)) return;
      planSandbox(profile, await prove(), config.sandbox.allow_degraded);
    },
    around(startProcess, { stage, pipeline, cwd, config, env, report }) {
      const asked = askedSandbox(config, pipeline);
      if (asked.profile === 'off' || !isConfined(stage)) return startProcess;
      const plan = planSandbox(asked.profile, states ?? [], config.sandbox.allow_degraded);
      report({ kind: 'note', text: sandboxNote(asked, plan) });
      if (plan.without.length > 0)
        report({ kind: 'degraded', layers: plan.without.map((state) => state.layer) });
      const { profile } = plan;
      if (profile === 'off') return startProcess;
      const { read_only: readOnly } = pipeline;
      const { sandbox } = config;
      const places = { cwd, readOnly, network: asked.network, env, sandbox, ours, programs: ourPrograms() };
      return (spec, io) =>
        startProcess(
          {
            ...spec,
            env: { ...spec.env, TMPDIR: ownTmp },
            tmpDir: ownTmp,
            confinement: confinementOf(profile, places),
          },
          io,
        );
    },
  };
}

/** The folder of our package: its built files need those beside them. */
function ourPrograms(): string {
  return dirname(dirname(dirname(findInstall().entry)));
}

function isConfined(stage: Stage): boolean {
  return stage.engine === 'command';
}

async function tryHere(layer: ReapingLayer, dir: string): Promise<readonly LayerState[]> {
  const why = layer.whyNotConfined;
  if (why !== undefined) return layersOf.strict.map((name) => ({ layer: name, state: 'missing', why }));
  const { proveSandbox } = await import('./prove.ts');
  return proveSandbox(layer, dir, ({ workspace, secret }) => ({
    writable: [workspace],
    readable: [],
    hidden: [secret],
    network: false,
    tmpBytes: 1024 * 1024,
    filtersCalls: false,
  }));
}
