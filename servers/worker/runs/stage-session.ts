import type { Logger } from '../../../platform/log.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Pipeline, Stage } from '../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../schemas/run.ts';
import type { EngineContext, EngineEnd, EngineSession } from '../engines/engine.ts';
import type { Engines } from '../engines/index.ts';
import type { Places } from '../places.ts';
import type { HandleStore } from '../output/handle-store.ts';
import type { WorkerPrivacy } from '../privacy/worker-privacy.ts';
import type { StartProcess } from '../runner/process.ts';
import type { HeldRun } from '../limits/held-run.ts';
import type { Limits } from '../limits/limits.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { RecordFiles } from './record-files.ts';

/** What every run of a worker shares. */
export interface RunDeps {
  engines: Engines;
  places: Places;
  handles: HandleStore;
  files: RecordFiles;
  startProcess: StartProcess;
  sandbox: Sandbox;
  limits: Limits;
  /** One for all workers of this host, see EngineContext. */
  signInLock: string;
  credential: (name: string) => string | undefined;
  privacy: Pick<WorkerPrivacy, 'ofRun' | 'ready'>;
  /** The fleet's own state and configuration. */
  ours: readonly string[];
  /** What our own calls of Git run in. */
  env: Readonly<Record<string, string>>;
  now: () => number;
  log: Logger;
}

/** Thread of an earlier session to go on with. */
export type Resume = EngineContext['resume'];

export interface StageStart {
  run_id: string;
  spec: RunSpec;
  pipeline: Pipeline;
  stage: Stage;
  /** The run's own folder, or the one in its private copy that stands for it. */
  cwd: string;
  /** As it holds in the run's folder. */
  config: Config;
  keepsThreads: boolean;
  output: EngineContext['output'];
  report: EngineContext['report'];
  escalationBar: EngineContext['escalationBar'];
  resume: Resume;
  /** undefined: no limits. */
  held: HeldRun | undefined;
}

/** A longer grace would break the promise that a cancelled tree is dead within 3 s. */
const maxGraceMs = 2_500;

/** Begins one stage. What an engine throws against its contract becomes the stage's end. */
export function startStage(deps: RunDeps, start: StageStart): EngineSession {
  const engine = deps.engines[start.stage.engine];
  try {
    const env = deps.places.environmentOf(start.config, start.spec.depth);
    return engine.start({
      ...start,
      output: start.spec.workspace === 'clone' ? exceptDiff(start.output) : start.output,
      tmpDir: deps.files.tmpDir(start.run_id),
      homeDir: deps.files.homeDir(start.run_id),
      env,
      graceMs: Math.min(start.config.limits.grace_ms, maxGraceMs),
      signInLock: deps.signInLock,
      ours: deps.ours,
      credential: deps.credential,
      startProcess: deps.sandbox.around(start.held?.around(deps.startProcess) ?? deps.startProcess, {
        ...start,
        env,
      }),
    });
  } catch (error) {
    deps.log.error({ err: error, run_id: start.run_id, engine: engine.name }, 'an engine failed to start');
    return brokenSession(engine.name);
  }
}

/** What changed in a private copy is told by Git, for the whole run. */
function exceptDiff(output: EngineContext['output']): EngineContext['output'] {
  return {
    write: (stream, chunk) => {
      if (stream !== 'diff') output.write(stream, chunk);
    },
    truncated: (stream) => {
      output.truncated(stream);
    },
  };
}

/** The end of a stage whose engine, or we ourselves, made a mistake. */
export function internalFailure(engine: string): EngineEnd {
  const message = `The ${engine} engine failed; the worker's log has the cause.`;
  return { outcome: { kind: 'engine', code: 'internal', message }, error: message };
}

function brokenSession(engine: string): EngineSession {
  return {
    done: Promise.resolve(internalFailure(engine)),
    pause: () => Promise.resolve('turn_boundary'),
    continue: () => undefined,
    steer: () => Promise.resolve(),
    answer: () => Promise.resolve(),
    end: () => undefined,
  };
}

/** Only engines that keep a conversation need a home folder. */
export function needsHome(stages: readonly Stage[]): boolean {
  return stages.some((stage) => stage.engine !== 'command');
}
