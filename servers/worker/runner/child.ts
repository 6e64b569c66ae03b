import type { Readable, Writable } from 'node:stream';

type Exited = (code: number | null, signal: NodeJS.Signals | null) => void;

/** What the layers and their callers use of a child process, whoever forked it. */
export interface Child {
  readonly pid?: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  /** False where the process has ended. */
  kill(signal: NodeJS.Signals): boolean;
  on(event: 'error', listener: (error: Error) => void): this;
  once(event: 'error', listener: (error: Error) => void): this;
  once(event: 'exit', listener: Exited): this;
  /** After `exit`, when its output was read to the end. */
  once(event: 'close', listener: () => void): this;
}

/** Rejects with what kept the process from being started. */
export function closeOf(child: Child): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}
