import { Worker } from 'node:worker_threads';
import type { HashAnswer, HashRequest } from './hash-thread.ts';

/** Node 20 loads no TypeScript: run from source, the thread is that of the last build. */
const builtThread = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/servers/worker/output/hash-thread.js', import.meta.url)
  : new URL('./hash-thread.js', import.meta.url);

/** How much a file grows before the thread hears of it. */
const stepBytes = 1 << 20;
/** The thread takes some MB: it ends when no file has been hashed for so long. */
const idleMs = 5_000;
const maxThreadMb = 32;

/** The hash of a file that only grows, taken on another thread. */
export interface FileHash {
  /** It is so long by now. */
  grown(bytes: number): void;
  /** Of its first `bytes` bytes, which is all of it; undefined where the thread could not tell. The file stays open until then. */
  digest(bytes: number): Promise<string | undefined>;
}

class HashThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (sha256: string | undefined) => void>();
  readonly #files = new Set<number>();
  #isGone = false;
  #last = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor() {
    const resourceLimits = { maxOldGenerationSizeMb: maxThreadMb, maxYoungGenerationSizeMb: 2 };
    this.#worker = new Worker(builtThread, { name: 'file-hash', resourceLimits });
    this.#worker.unref();
    this.#worker.on('message', ({ id, sha256 }: HashAnswer) => this.#settle(id, sha256));
    this.#worker.on('error', () => this.#gone());
    this.#worker.once('exit', () => this.#gone());
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  follow(fd: number): FileHash {
    clearTimeout(this.#idle);
    this.#last += 1;
    const id = this.#last;
    this.#files.add(id);
    let told = 0;
    return {
      grown: (bytes) => {
        if (bytes - told < stepBytes) return;
        told = bytes;
        this.#send({ id, fd, bytes, isEnd: false });
      },
      digest: (bytes) =>
        new Promise((resolve) => {
          if (this.#isGone) return resolve(undefined);
          this.#waiting.set(id, resolve);
          this.#worker.ref();
          this.#send({ id, fd, bytes, isEnd: true });
        }),
    };
  }

  #send(request: HashRequest): void {
    if (!this.#isGone) this.#worker.postMessage(request);
  }

  #settle(id: number, sha256: string | undefined): void {
    this.#files.delete(id);
    this.#waiting.get(id)?.(sha256);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (this.#files.size === 0) this.#idle = setTimeout(() => this.#end(), idleMs).unref();
  }

  #end(): void {
    this.#isGone = true;
    void this.#worker.terminate();
  }

  /** Whoever waits takes the hash by other means. */
  #gone(): void {
    this.#isGone = true;
    for (const id of this.#waiting.keys()) this.#settle(id, undefined);
  }
}

let thread: HashThread | undefined;

/** Hashes a file from its beginning on the one thread there is for it: it keeps the thread that serves calls free. */
export function followFile(fd: number): FileHash {
  if (thread === undefined || thread.isGone) thread = new HashThread();
  return thread.follow(fd);
}
