import type { AnsweredBy, Decision } from '../../../schemas/manifest.ts';
import type { Question, Outcome, RunSpec, Usage } from '../../../schemas/run.ts';
import type { Config } from '../../../schemas/config.ts';
import type { StreamName } from '../../../schemas/handle.ts';
import type { EngineName, Pipeline, Stage } from '../../../schemas/pipeline.ts';
import type { EngineStatus, Reaping } from '../../../schemas/worker.ts';
import type { StartProcess } from '../runner/process.ts';

/** Where a stage's output goes. A stream's handle is made at its first byte. */
export interface StageOutput {
  /** Keeps no view of the chunk. */
  write(stream: StreamName, chunk: Uint8Array): void;
  /** Marks a stream as incomplete at its source (cut inside the engine). */
  truncated(stream: StreamName): void;
}

export type EngineReport =
  | { kind: 'thread'; thread_id: string }
  /** Tokens of one model call, to be added. `goes_on`: it asked for a tool, so that another call follows. */
  | { kind: 'usage'; usage: Usage; goes_on?: boolean }
  /** The engine waits for an answer; `undefined` once it goes on. */
  | { kind: 'question'; question: Question | undefined }
  /** Of an escalation once as it is asked, and once as it is decided; it is on disk when this returns. */
  | ({ kind: 'decision' } & Omit<Decision, 'at' | 'decided_at' | 'attempt'>)
  /** Something the run's manifest must say. */
  | { kind: 'note'; text: string }
  | { kind: 'reaping'; reaping: Reaping }
  /** Layers of the sandbox and of limits it goes without, or with less, by leave of the configuration. */
  | { kind: 'degraded'; layers: readonly string[] };

export interface EngineContext {
  run_id: string;
  spec: RunSpec;
  pipeline: Pipeline;
  stage: Stage;
  /** Absolute, exists, already checked against the roots. */
  cwd: string;
  /** Emptied and removed when the attempt ends. */
  tmpDir: string;
  /** Private to the run (0700, not under TMPDIR), kept over attempts until the run is terminal. */
  homeDir: string;
  /** Whether what it needs to go on with a conversation in another process may be kept there. */
  keepsThreads: boolean;
  /** Allow-listed environment of every child, PATH included. */
  env: Readonly<Record<string, string>>;
  config: Config;
  graceMs: number;
  /** Held by the one process of this host that renews the user's Codex sign-in. */
  signInLock: string;
  /** Folders and files of the fleet itself: no command is shown them. */
  ours: readonly string[];
  /** A credential's value by variable name; in memory only. */
  credential(name: string): string | undefined;
  startProcess: StartProcess;
  output: StageOutput;
  report(report: EngineReport): void;
  /** Why the run may get nothing beyond what it was started with, whoever would grant it; undefined where it may. */
  escalationBar(): string | undefined;
  /** Thread of an earlier attempt to continue; with it `message` replaces the prompt where given. */
  resume: { thread_id: string; message: string | undefined } | undefined;
}

export interface EngineEnd {
  outcome: Outcome;
  /** One line in our words where the outcome alone does not say enough. */
  error?: string;
  /** Of a rate limit: when the provider said it ends; ms since the epoch. */
  retry_at?: number;
}

/**
 * `turn_boundary`: the session is over (`done` settles as lost and resumable) and its thread goes on
 * in a new one. `stopped`: the processes are halted where they stand until continue().
 */
export type PauseKind = 'turn_boundary' | 'stopped';

/** One stage under way. Every method is safe to call at any time, and twice. */
export interface EngineSession {
  /** Settles once nothing of the stage is left running. Never rejects. */
  readonly done: Promise<EngineEnd>;
  /** Resolves when the work has really stopped. */
  pause(): Promise<PauseKind>;
  /** Goes on after a pause of kind `stopped`. */
  continue(): void;
  /** Adds a message to running work; WRONG_STATE where the engine cannot. */
  steer(message: string): Promise<void>;
  /** WRONG_STATE where nothing is asked. */
  answer(answer: 'accept' | 'decline', by: AnsweredBy): Promise<void>;
  /** Ends the stage; the first cause wins and becomes its outcome. */
  end(cause: Extract<Outcome, { kind: 'cancelled' | 'timeout' | 'limit' | 'lost' }>): void;
}

export interface Engine {
  readonly name: EngineName;
  /** Once per boot, and again by `doctor`: really tries what the engine needs. Never rejects. */
  probe(context: ProbeContext): Promise<EngineStatus>;
  /**
   * Refuses, before anything is spawned, a stage it cannot serve: COMMAND_NOT_ALLOWED,
   * ENGINE_UNSUPPORTED, ENGINE_UNAVAILABLE, SANDBOX_UNAVAILABLE.
   */
  check(stage: Stage, pipeline: Pipeline, spec: RunSpec, config: Config): Promise<void>;
  start(context: EngineContext): EngineSession;
}

export interface ProbeContext {
  config: Config;
  env: Readonly<Record<string, string>>;
  /** 0700 folder outside TMPDIR the probe may use. */
  stateDir: string;
  /** The layer runs are started under: what a probe proves, it proves inside it. */
  startProcess: StartProcess;
}
