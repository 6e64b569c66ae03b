/** Everything one run started, its descendants in sessions of their own included. */
export interface ProcessTree {
  /** TERM to every process, and CONT, so that a stopped one can act on it. */
  askToEnd(): void;
  /** Returns once no process of the tree is running (or after a bounded number of tries). */
  stop(): void;
  continue(): void;
  /** KILL to every process; resolves when none is left, or when the kernel will not let one go. Idempotent. */
  kill(): Promise<void>;
  /** The live processes of the tree, and those of ours that hold it. */
  pids(): number[];
  /** Of ours: those that collect its dead, and are not of the tree. */
  readonly collectors: readonly number[];
}
