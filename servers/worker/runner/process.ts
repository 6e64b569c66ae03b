import type { Writable } from 'node:stream';
import type { Outcome } from '../../../schemas/run.ts';
import type { Reaping } from '../../../schemas/worker.ts';
import type { ProcessTree } from './process-tree.ts';

/** What a run can see and reach of the machine, besides reading the system's own files. Paths are real ones. */
export interface Confinement {
  writable: readonly string[];
  /** Shown although inside of something hidden. */
  readable: readonly string[];
  hidden: readonly string[];
  network: boolean;
  /** Room in its own /tmp. */
  tmpBytes: number;
  /** Whether system calls are filtered too; without Perl a signal that ended the process is told as exit 128 + n then. */
  filtersCalls: boolean;
}

/** What listens in the network of a run, and passes on what comes to a Unix socket outside of it. */
export interface Relay {
  /** Reads the socket's path from a line of its input, says a line once it listens, ends with its input. */
  argv: readonly [string, ...string[]];
  socket: string;
}

export interface ProcessSpec {
  /** Element 0 is an absolute path; never a shell. */
  argv: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  stdin: 'ignore' | 'pipe';
  /** Further variables, waited for; where it fails, nothing is started. */
  ready?: Promise<Readonly<Record<string, string>>>;
  /** Private to the attempt; TMPDIR of the process, removed by the caller. */
  tmpDir: string;
  /** undefined: the machine as it is. */
  confinement?: Confinement;
  /** Only with a confinement that has no other network. */
  relay?: Relay;
  /** undefined: no limits. */
  held?: Held;
}

/** What holds a process to limits. */
export interface Held {
  /** A program and its arguments that bring themselves under the limits and become what follows. */
  through: readonly [string, ...string[]];
  began(tree: ProcessTree): void;
  /** Nothing of it is left, and nobody knows yet how it ended. */
  ended(end: ProcessEnd): void;
}

export interface ProcessIo {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
  /** Nothing of a chunk is used after the call, nor a view of it: its memory is freed. */
  keepsNoChunk?: boolean;
}

/** How the process itself ended, after its pipes closed. */
export type ProcessEnd = Extract<Outcome, { kind: 'exit' | 'signal' | 'spawn' }>;

export interface RunningProcess {
  /** undefined until the process is there, and where it never comes to be. */
  readonly pid: number | undefined;
  readonly stdin: Writable | undefined;
  /** Which layer kills the whole tree, the worker's own death included. */
  readonly reaping: Reaping;
  /** The main process is over by itself, though its tree or its output may not be: no later cause can win. */
  readonly hasExited: boolean;
  /** Settles on `close`, when the tree is dead and every byte was delivered. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** TERM to the tree, KILL after `graceMs`; then nothing of the tree is left. Idempotent. */
  terminate(graceMs: number): Promise<void>;
  /** Halts the whole tree; when it returns nothing of it runs. A halted tree can be terminated. */
  stop(): void;
  continue(): void;
}

export type StartProcess = (spec: ProcessSpec, io: ProcessIo) => RunningProcess;
