import { PassThrough, type Writable } from 'node:stream';
import type { Reaping } from '../../../schemas/worker.ts';
import { awaitClose } from './await-close.ts';
import { freeChunk } from './free-chunk.ts';
import type { Launched, ReapingLayer } from './layer.ts';
import type { ProcessEnd, ProcessIo, ProcessSpec, RunningProcess, StartProcess } from './process.ts';
import { errnoOf } from './spawn-child.ts';
import { takeTurns } from './take-turns.ts';
import { terminate } from './terminate.ts';

/**
 * Runs processes under one reaping layer. Where the layer is not ready at once, `pid` is undefined
 * until it is, and what is written to `stdin` waits.
 */
export function createStartProcess(layer: ReapingLayer): StartProcess {
  return (spec, io) => {
    const run = new Run(layer, spec, io);
    run.begin();
    return run;
  };
}

type Wish = 'none' | 'stop' | 'terminate';

class Run implements RunningProcess {
  readonly reaping: Reaping;
  readonly ended: Promise<ProcessEnd>;
  readonly #layer: ReapingLayer;
  readonly #spec: ProcessSpec;
  readonly #io: ProcessIo;
  #settle: (end: ProcessEnd) => void = () => undefined;
  #launched: Launched | undefined;
  #stdin: Writable | undefined;
  /** What was asked for before the process was there. */
  #wish: Wish = 'none';
  #hasExited = false;
  #isOver = false;

  constructor(layer: ReapingLayer, spec: ProcessSpec, io: ProcessIo) {
    this.#layer = layer;
    this.#spec = spec;
    this.#io = io;
    this.reaping = layer.reaping;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get pid(): number | undefined {
    return this.#launched?.child.pid;
  }

  get stdin(): Writable | undefined {
    return this.#stdin;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  begin(): void {
    try {
      const launched = this.#launch();
      if (launched instanceof Promise) this.#beginLater(launched);
      else this.#follow(launched);
    } catch (error) {
      this.#end({ kind: 'spawn', errno: errnoOf(error) });
    }
  }

  #launch(): Launched | Promise<Launched> {
    const { ready, ...spec } = this.#spec;
    if (ready === undefined) return this.#layer.launch(spec);
    return ready.then((more) => this.#layer.launch({ ...spec, env: { ...spec.env, ...more } }));
  }

  #beginLater(launching: Promise<Launched>): void {
    const stdin = this.#spec.stdin === 'pipe' ? quiet(new PassThrough()) : undefined;
    this.#stdin = stdin;
    launching.then(
      (launched) => {
        this.#follow(launched);
        if (stdin !== undefined && launched.child.stdin !== null) stdin.pipe(launched.child.stdin);
      },
      (error: unknown) => {
        this.#end({ kind: 'spawn', errno: errnoOf(error) });
      },
    );
  }

  #follow(launched: Launched): void {
    const { child, tree } = launched;
    this.#launched = launched;
    if (child.stdin !== null) {
      quiet(child.stdin);
      this.#stdin ??= child.stdin;
    }
    if (child.stdout !== null) takeTurns(child.stdout);
    if (child.stderr !== null) takeTurns(child.stderr);
    child.stdout?.on('data', this.#io.stdout);
    child.stderr?.on('data', this.#io.stderr);
    const closed = awaitClose(child);
    if (this.#io.keepsNoChunk === true) {
      // After all that read it.
      child.stdout?.on('data', freeChunk);
      child.stderr?.on('data', freeChunk);
    }
    child.on('error', (error) => {
      if (child.pid === undefined) void this.#finish({ kind: 'spawn', errno: errnoOf(error) }, undefined);
    });
    child.once('exit', (code, signal) => {
      const end: ProcessEnd =
        signal === null ? { kind: 'exit', code: code ?? 0 } : { kind: 'signal', signal };
      void this.#finish(end, closed);
    });
    this.#spec.held?.began(tree);
    if (this.#wish === 'terminate') void tree.kill();
    else if (this.#wish === 'stop') tree.stop();
  }

  /** The process is over: nothing it started may outlive it, and every byte it wrote is delivered first. */
  async #finish(end: ProcessEnd, closed: { settled(): Promise<void> } | undefined): Promise<void> {
    this.#hasExited = true;
    await this.#launched?.tree.kill();
    await closed?.settled();
    this.#end(end);
  }

  #end(end: ProcessEnd): void {
    this.#hasExited = true;
    this.#isOver = true;
    this.#spec.held?.ended(end);
    this.#settle(end);
  }

  async terminate(graceMs: number): Promise<void> {
    if (this.#launched === undefined) this.#wish = 'terminate';
    else if (!this.#isOver) await terminate(this.#launched.tree, this.ended, graceMs);
    await this.ended;
  }

  stop(): void {
    if (this.#launched !== undefined && !this.#isOver) this.#launched.tree.stop();
    else if (this.#wish === 'none') this.#wish = 'stop';
  }

  continue(): void {
    if (this.#launched !== undefined && !this.#isOver) this.#launched.tree.continue();
    else if (this.#wish === 'stop') this.#wish = 'none';
  }
}

/** A process that ends before it read its input is no error of ours (EPIPE). */
function quiet<Stream extends Writable>(stream: Stream): Stream {
  return stream.on('error', () => undefined);
}
