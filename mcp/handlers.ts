import type { z } from 'zod';
import type { Contract, Contracts } from '../schemas/contract.ts';

/** How far a call has come that waits: `progress` of `total`, rising; `message` is for people. */
export interface Progress {
  progress: number;
  total: number;
  message: string;
}

/** What a person made of a question: `cancel` put it away without an answer. */
export type Asked = 'accept' | 'decline' | 'cancel';

/** The connection of a client, the same object for all its calls. */
export interface Connection {
  /**
   * Puts a question before the person at the client; undefined where the client shows none. Rejects when
   * `signal` aborts, which takes the question back, and when the client goes away.
   */
  readonly ask: ((message: string, signal: AbortSignal) => Promise<Asked>) | undefined;
}

/** What a handler knows of the call besides its input. */
export interface Call {
  /** Whose runs these are: every run, handle and task belongs to one owner. `everyone` for an admin. */
  owner: string;
  /** Whose the runs are that the call starts, where that is another. */
  starts?: string;
  /** Aborted when the client cancels the call or goes away. */
  signal: AbortSignal;
  client: { name: string; version: string };
  /** The client's own id of this call where it has one (`claudecode/toolUseId`, Codex `callId`, the bridge's). */
  callId: string | undefined;
  /** The folder the bridge was started in; undefined for a URL mount. */
  cwd: string | undefined;
  /** How many runs stand between a person and the caller; undefined where the caller does not say. */
  depth: number | undefined;
  /** Tells a client that asked to hear of it how far the call has come. */
  progress?: ((progress: Progress) => void) | undefined;
  connection?: Connection;
}

export type Input<C extends Contract> = z.output<C['input']>;
export type Output<C extends Contract> = z.input<C['output']>;

/** One function a contract: a missing, extra or wrongly typed handler does not compile. */
export type Handlers<C extends Contracts> = {
  [K in keyof C]: (input: Input<C[K]>, call: Call) => Promise<Output<C[K]>> | Output<C[K]>;
};
