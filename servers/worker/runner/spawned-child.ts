import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Child } from './child.ts';
import { send } from './process-table.ts';

interface Events {
  error: [Error];
  exit: [code: number | null, signal: NodeJS.Signals | null];
  close: [];
}

/** A process the spawner started: events in the order of a ChildProcess's. */
export class SpawnedChild extends EventEmitter<Events> implements Child {
  readonly stdin = null;
  pid: number | undefined;
  /** Clock ticks since boot; '' where there is no /proc. */
  start = '';
  stdout: Socket | null = null;
  stderr: Socket | null = null;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  /** Settles once it runs and both its outputs are connected; rejects with an errno as `code`. */
  readonly ready: Promise<this>;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  /** Missing until it is ready: its pid, and two outputs. */
  #missing = 3;
  #openOutputs = 2;
  /** That it ended. */
  #hasTold = false;

  constructor() {
    super();
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = () => {
        resolve(this);
      };
      this.#reject = reject;
    });
  }

  runs(pid: number, start: string): void {
    this.pid = pid;
    this.start = start;
    this.#came();
  }

  connected(which: 'stdout' | 'stderr', socket: Socket): void {
    this[which] = socket;
    socket.once('close', () => {
      this.#openOutputs -= 1;
      this.#closeWhenOver();
    });
    this.#came();
  }

  failed(errno: string): void {
    this.stdout?.destroy();
    this.stderr?.destroy();
    const error = Object.assign(new Error(`could not be started: ${errno}`), { code: errno });
    this.#reject(error);
    // It may have been told to run before it failed to become what it was to run.
    if (this.pid === undefined) return;
    this.pid = undefined;
    this.#afterReady(() => this.emit('error', error));
  }

  /** `status` as wait(2) has it. */
  ended(status: number): void {
    const signal = status & 0x7f;
    if (signal === 0) this.exitCode = status >> 8;
    else this.signalCode = signalName(signal);
    this.#afterReady(() => {
      this.#hasTold = true;
      this.emit('exit', this.exitCode, this.signalCode);
      this.#closeWhenOver();
    });
  }

  kill(signal: NodeJS.Signals): boolean {
    return (
      this.pid !== undefined && this.exitCode === null && this.signalCode === null && send(this.pid, signal)
    );
  }

  /** Who waits for `ready` comes first, however many promises are between. */
  #afterReady(tell: () => void): void {
    void this.ready.then(
      () => setImmediate(tell),
      () => undefined,
    );
  }

  #came(): void {
    this.#missing -= 1;
    if (this.#missing === 0) this.#resolve();
  }

  #closeWhenOver(): void {
    if (this.#hasTold && this.#openOutputs === 0) this.emit('close');
  }
}

const names = Object.entries(constants.signals);

function signalName(number: number): NodeJS.Signals {
  for (const [name, value] of names) if (value === number && isSignal(name)) return name;
  return 'SIGKILL';
}

function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals;
}
