import type { Allowed } from '../../../core/argv-policy.ts';
import { checkCommandLine, commandLine, type CommandLine } from '../../../core/command-line.ts';
import { FleetError } from '../../../core/errors.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Pipeline, Stage } from '../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../schemas/run.ts';
import { admitProgram, pinPrograms } from '../commands/admit-program.ts';
import type { ProcessEnd, RunningProcess } from '../runner/process.ts';
import type { Engine, EngineContext, EngineEnd, EngineSession, PauseKind } from './engine.ts';

/** Runs one allow-listed command line; never a shell. */
export const commandEngine: Engine = {
  name: 'command',
  probe({ config, env, stateDir }) {
    pinPrograms(config.commands, { path: env['PATH'] ?? '', cwd: stateDir });
    return Promise.resolve({ engine: 'command', available: true });
  },
  check(stage, pipeline, spec, config) {
    return new Promise((resolve) => {
      allowedCommandLine({ stage, pipeline, spec, config });
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

interface AskedStage {
  stage: Stage;
  pipeline: Pipeline;
  spec: RunSpec;
  config: Config;
  /** Where it really works, once that is known: a private copy, say. */
  cwd?: string;
}

function allowedCommandLine({
  stage,
  pipeline,
  spec,
  config,
  cwd = spec.cwd,
}: AskedStage): CommandLine & Allowed {
  if (stage.engine !== 'command') {
    throw new FleetError('ENGINE_UNSUPPORTED', `Stage "${stage.name}" is not a command.`);
  }
  const line = commandLine(stage, pipeline, spec.inputs);
  return { ...line, ...checkCommandLine(config.commands, line, cwd) };
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
    const { argv, entry, added, obeysRepository } = allowedCommandLine(context);
    const [name, ...args] = withAdded(argv, added);
    const { cwd, env } = context;
    const binary = admitProgram(entry, name, { path: env['PATH'] ?? '', cwd });
    if (binary.kind === 'missing') {
      const outcome: ProcessEnd = { kind: 'spawn', errno: binary.errno };
      this.done = Promise.resolve({ outcome, error: `${binary.why}.` });
      return;
    }
    this.#process = context.startProcess(
      {
        argv: [binary.file, ...args],
        cwd,
        env: { ...env, TMPDIR: context.tmpDir },
        stdin: 'ignore',
        tmpDir: context.tmpDir,
        ...(obeysRepository ? { ready: disarm(binary.file, { cwd, env }) } : {}),
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

/** Behind the sub-command. */
function withAdded(argv: CommandLine['argv'], added: readonly string[]): CommandLine['argv'] {
  const [program, command, ...rest] = argv;
  return command === undefined ? [program] : [program, command, ...added, ...rest];
}

/** What Git is told beside its environment, so that it runs nothing the repository names. */
async function disarm(
  git: string,
  place: { cwd: string; env: EngineContext['env'] },
): Promise<EngineContext['env']> {
  const { disarmedFor } = await import('../workspace/disarmed-for.ts');
  return disarmedFor(git, place);
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
