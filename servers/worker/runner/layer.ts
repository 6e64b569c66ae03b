import type { Reaping } from '../../../schemas/worker.ts';
import type { Child } from './child.ts';
import type { ProcessSpec } from './process.ts';
import type { ProcessTree } from './process-tree.ts';

export interface Launched {
  child: Child;
  tree: ProcessTree;
}

/** One way to hold a run's processes together so that none outlives it. */
export interface ReapingLayer {
  readonly reaping: Reaping;
  /** Why it cannot hold a run to a confinement; undefined where it can. It refuses to start one it cannot hold. */
  readonly whyNotConfined: string | undefined;
  /**
   * Starts the process, at once where the layer is ready. A failure is an Error with an errno as
   * `code`, thrown, rejected, or emitted by the child as `error`.
   */
  launch(spec: ProcessSpec): Launched | Promise<Launched>;
  /** Makes the next starts as quick as those of a busy worker. */
  prepare?(): Promise<void>;
  /** Ends what the layer itself keeps running between runs. */
  close(): Promise<void>;
}
