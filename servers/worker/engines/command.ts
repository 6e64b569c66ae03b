import { checkCommandLine, commandLine, type CommandLine } from '../../../core/command-line.ts';
import { FleetError } from '../../../core/errors.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Pipeline, Stage } from '../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../schemas/run.ts';
import type { ProcessEnd, RunningProcess } from '../runner/process.ts';
import { resolveBinary } from '../runner/resolve-binary.ts';
import type { Engine, EngineContext, EngineEnd, EngineSession, PauseKind } from './engine.ts';

/** Runs one allow-listed command line; never a shell. */
export const commandEngine: Engine = {
  name: 'command',
  probe: () => Promise.resolve({ engine: 'command', available: true }),
  check(stage, pipeline, spec, config) {
    return new Promise((resolve) => {
      allowedCommandLine(stage, pipeline, spec, config);
      resolve();
    });
  },
  start(context) {
    try {
      return new CommandSession(context);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      return endedSession({
        outcome: { kind: 'engine', code: error.code, message: error.message },
        error: error.message,
      });
    }
  },
};

function allowedCommandLine(stage: Stage, pipeline: Pipeline, spec: RunSpec, config: Config): CommandLine {
  if (stage.engine !== 'command') {
    throw new FleetError('ENGINE_UNSUPPORTED', `Stage "${stage.name}" is not a command.`);
  }
  const line = commandLine(stage, pipeline, spec.inputs);
  checkCommandLine(config.commands, line);
  return line;
}

type Cause = Parameters<EngineSession['end']>[0];

class CommandSession implements EngineSession {
  readonly done: Promise<EngineEnd>;
  readonly #graceMs: number;
  readonly #process: RunningProcess | undefined;
  /** Why we ended it; undefined as long as only the process itself can be the cause. */
  #cause: Cause | undefined;

  /** Throws what check() would: a stage is never started on the strength of an earlier check. */
  constructor(context: EngineContext) {
    this.#graceMs = context.graceMs;
    const { argv } = allowedCommandLine(context.stage, context.pipeline, context.spec, context.config);
    const [name, ...args] = argv;
    const binary = resolveBinary(name, context.env['PATH'] ?? '', context.cwd);
    if (binary.kind === 'missing') {
      const outcome: ProcessEnd = { kind: 'spawn', errno: binary.errno };
      this.done = Promise.resolve({ outcome, error: `${binary.why}.` });
      return;
    }
    this.#process = context.startProcess(
      {
        argv: [binary.file, ...args],
        cwd: context.cwd,
        env: { ...context.env, TMPDIR: context.tmpDir },
        stdin: 'ignore',
        tmpDir: context.tmpDir,
      },
      {
        stdout: (chunk) => {
          context.output.write('stdout', chunk);
        },
        stderr: (chunk) => {
          context.output.write('stderr', chunk);
        },
        keepsNoChunk: true,
      },
    );
    context.report({ kind: 'reaping', reaping: this.#process.reaping });
    this.done = this.#process.ended.then((end) => ({ outcome: this.#cause ?? end }));
  }

  pause(): Promise<PauseKind> {
    if (this.#process === undefined || this.#process.hasExited || this.#cause !== undefined) {
      return Promise.reject(notRunning());
    }
    this.#process.stop();
    return Promise.resolve('stopped');
  }

  continue(): void {
    this.#process?.continue();
  }

  steer(): Promise<void> {
    return Promise.reject(new FleetError('WRONG_STATE', 'A command takes no messages while it runs.'));
  }

  answer(): Promise<void> {
    return Promise.reject(new FleetError('WRONG_STATE', 'A command asks no questions.'));
  }

  end(cause: Cause): void {
    if (this.#process === undefined || this.#process.hasExited || this.#cause !== undefined) return;
    this.#cause = cause;
    void this.#process.terminate(this.#graceMs);
  }
}

function notRunning(): FleetError {
  return new FleetError('WRONG_STATE', 'The command has ended already.');
}

/** A stage that was over before anything was started. */
function endedSession(end: EngineEnd): EngineSession {
  return {
    done: Promise.resolve(end),
    pause: () => Promise.reject(notRunning()),
    continue: () => undefined,
    steer: () => Promise.reject(notRunning()),
    answer: () => Promise.reject(notRunning()),
    end: () => undefined,
  };
}
