import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, Socket, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import type { Entry } from './entry.ts';
import { frameOf } from './spawner-frame.ts';
import { send } from './process-table.ts';
import { SpawnedChild } from './spawned-child.ts';
import type { ProcessSpec } from './process.ts';

const script = fileURLToPath(new URL('spawner.pl', import.meta.url));
/** It takes 7 MB: ended when nothing was started for so long. */
const idleMs = 30_000;
/** Started for the first of so many runs with no longer pause between them than that. */
const busyStarts = 4;
/** One that needs longer to start a process will not start any: it is ended, and another takes its place. */
const startMs = 30_000;
const idBytes = 16;
/** "1" or "2", the id, the end of the line. */
const greetingBytes = 2 * idBytes + 2;
/** What a Unix socket's address holds, unix(7). */
const longestAddress = 100;

type State = 'none' | 'starting' | 'ready' | 'broken';

/**
 * Starts processes through a small one. fork(2) copies the page tables of the whole process, and every
 * page written afterwards faults: 1 to 2 ms of processor time for a worker of 90 MB, 0.2 ms for the
 * spawner. In Perl, which is where git is, and which tells an end by a signal from an exit. Where there
 * is none, and while it starts, the worker forks itself.
 */
export class Spawner {
  readonly #perl: string;
  readonly #address: string;
  readonly #startMs: number;
  /** Until they have ended. */
  readonly #children = new Map<string, SpawnedChild>();
  /** Until both their outputs are connected, which may be after their end. */
  readonly #connecting = new Map<string, SpawnedChild>();
  #state: State = 'none';
  #opened: Promise<void> | undefined;
  #settle: () => void = () => undefined;
  #process: ChildProcess | undefined;
  #server: Server | undefined;
  #told = '';
  #starts = 0;
  #lastStart = 0;
  #idle: NodeJS.Timeout | undefined;

  /** `dir`: 0700, for its socket. */
  constructor(perl: string, dir: string, limits = { startMs }) {
    this.#perl = perl;
    this.#startMs = limits.startMs;
    this.#address = join(dir, 'spawner.sock');
    if (Buffer.byteLength(this.#address) > longestAddress) this.#state = 'broken';
  }

  /** `entry`: where it is started. undefined where it is not ready. Rejects with an errno as `code`. */
  start(
    argv: readonly string[],
    spec: ProcessSpec,
    cwd: string,
    entry?: Entry,
  ): Promise<SpawnedChild> | undefined {
    const input = this.#process?.stdin;
    if (this.#state !== 'ready' || input === null || input === undefined) {
      if (this.#state === 'none') this.#openWhenBusy();
      return undefined;
    }
    const id = randomBytes(idBytes).toString('hex');
    const child = new SpawnedChild();
    this.#children.set(id, child);
    this.#connecting.set(id, child);
    this.#hold();
    input.write(frameOf(id, cwd, argv, spec.env, entry));
    const { pid } = this.#process ?? {};
    const late = setTimeout(() => pid !== undefined && send(pid, 'SIGKILL'), this.#startMs).unref();
    return child.ready.finally(() => {
      clearTimeout(late);
    });
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#become('broken');
    this.#end();
  }

  #become(state: State): void {
    this.#state = state;
    this.#settle();
    if (state === 'none') this.#opened = undefined;
  }

  #openWhenBusy(): void {
    const now = performance.now();
    this.#starts = now - this.#lastStart < idleMs ? this.#starts + 1 : 1;
    this.#lastStart = now;
    if (this.#starts >= busyStarts) void this.open();
  }

  /** Settles once it is ready, or will not be. */
  open(): Promise<void> {
    this.#opened ??= new Promise((resolve) => {
      this.#settle = resolve;
      this.#listen();
    });
    return this.#opened;
  }

  #listen(): void {
    this.#state = 'starting';
    rmSync(this.#address, { force: true });
    const server = createServer((socket) => {
      this.#greet(socket);
    });
    this.#server = server;
    server.once('error', () => {
      this.#become('broken');
    });
    server.listen({ path: this.#address }, () => {
      if (this.#state === 'starting') this.#launch();
    });
    server.unref();
  }

  #launch(): void {
    const child = spawn(this.#perl, [script, this.#address], {
      cwd: '/',
      env: {},
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#process = child;
    child.once('error', () => {
      this.#become('broken');
    });
    child.once('close', () => {
      this.#gone(child);
    });
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      this.#hear(text);
    });
    setHeld(child, false);
  }

  #hear(text: string): void {
    const lines = (this.#told + text).split('\n');
    this.#told = lines.pop() ?? '';
    for (const line of lines) this.#obey(line.split(' '));
  }

  #obey([word, id = '', value = '', start = '']: string[]): void {
    if (word === 'ready') {
      this.#become('ready');
      this.#rest();
      return;
    }
    const child = this.#children.get(id);
    if (child === undefined) return;
    if (word === 'p') {
      child.runs(Number(value), start);
      return;
    }
    this.#children.delete(id);
    if (this.#children.size === 0) this.#rest();
    if (word === 'x') child.ended(Number(value));
    else {
      this.#connecting.delete(id);
      child.failed(getSystemErrorName(-Number(value)));
    }
  }

  /** Who knows no id of ours is not of ours. */
  #greet(socket: Socket): void {
    // Some come before there is a process for them, and keep nobody waiting.
    socket.unref().on('error', () => undefined);
    const read = (): void => {
      const greeting: unknown = socket.read(greetingBytes);
      if (!Buffer.isBuffer(greeting)) return;
      socket.off('readable', read);
      const text = greeting.toString('latin1');
      const id = text.slice(1, -1);
      const child = this.#connecting.get(id);
      if (child === undefined) {
        socket.destroy();
        return;
      }
      child.connected(text.startsWith('1') ? 'stdout' : 'stderr', socket.ref());
      if (child.stdout !== null && child.stderr !== null) this.#connecting.delete(id);
    };
    socket.on('readable', read);
  }

  /** It ended without being asked to: what it had started cannot be followed any more. */
  #gone(child: ChildProcess): void {
    const wasClosed = this.#process === undefined && this.#state === 'broken';
    if (this.#process !== child && !wasClosed) return;
    this.#become(this.#state === 'ready' ? 'none' : 'broken');
    this.#end();
    for (const one of this.#children.values()) {
      if (one.pid === undefined) {
        one.failed('EAGAIN');
        continue;
      }
      send(-one.pid, 'SIGKILL');
      one.ended(9);
    }
    this.#children.clear();
    this.#connecting.clear();
  }

  #hold(): void {
    clearTimeout(this.#idle);
    if (this.#children.size === 1 && this.#process !== undefined) setHeld(this.#process, true);
  }

  #rest(): void {
    if (this.#process !== undefined) setHeld(this.#process, false);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#become('none');
      this.#end();
    }, idleMs).unref();
  }

  #end(): void {
    this.#process?.stdin?.end();
    this.#process = undefined;
    this.#server?.close();
    this.#server = undefined;
  }
}

function setHeld(child: ChildProcess, isHeld: boolean): void {
  const pipes = child.stdio.filter((pipe) => pipe instanceof Socket);
  for (const handle of [child, ...pipes]) {
    if (isHeld) handle.ref();
    else handle.unref();
  }
}
