import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Install } from './install.ts';

/**
 * V8 grows its young generation to 16 MB and more before it collects; ours hold little that is
 * short-lived, and 1 MB keeps an idle process about 10 MB smaller. So little is collected in less time
 * than it takes to wake threads for it.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=1', '--single-threaded-gc'];

/**
 * glibc's own first values, kept: once a large piece was freed it would keep twice as much of what is free
 * (building what finds private values frees some MB), and an idle process stays 5 to 20 MB larger.
 */
export const memorySettings: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

interface Launch {
  install: Install;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  logFile: string;
}

/**
 * Starts a process of ours that outlives this one: own session, cwd `/`, stderr to its log, stdout
 * to nothing. Answers its pid once it runs.
 */
export async function launchDetached(options: Launch): Promise<number> {
  const child = withLog(options.logFile, (log) =>
    spawn(options.install.node, argvOf(options), {
      cwd: '/',
      env: { ...options.env, ...memorySettings },
      detached: true,
      stdio: ['ignore', 'ignore', log],
    }),
  );
  await spawned(child);
  child.unref();
  return child.pid ?? 0;
}

/** A process that talks over its stdin and stdout, and ends when they do. */
export interface PipedProcess {
  pid: number;
  readable: Readable;
  writable: Writable;
  /** Ends its stdin, and the process itself where that does not. */
  release: () => void;
}

/** Long enough for what it is just doing. */
const lingerMs = 2_000;

/** Starts a process of ours that ends with this one; stderr goes to its log. */
export async function launchPiped(options: Launch): Promise<PipedProcess> {
  const child = withLog(options.logFile, (log) =>
    spawn(options.install.node, argvOf(options), {
      cwd: '/',
      env: { ...options.env, ...memorySettings },
      stdio: ['pipe', 'pipe', log],
    }),
  );
  await spawned(child);
  const { stdin: writable, stdout: readable } = child;
  if (writable === null || readable === null) throw new Error('A process without its pipes.');
  const release = (): void => {
    writable.destroy();
    const linger = setTimeout(() => child.kill('SIGKILL'), lingerMs);
    child.once('exit', () => clearTimeout(linger));
    if (child.exitCode !== null || child.signalCode !== null) clearTimeout(linger);
  };
  return { pid: child.pid ?? 0, readable, writable, release };
}

function argvOf({ install, args }: Launch): string[] {
  return [...nodeFlags, install.entry, ...args];
}

function withLog<T>(logFile: string, use: (log: number) => T): T {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = openSync(logFile, 'a', 0o600);
  try {
    return use(log);
  } finally {
    closeSync(log);
  }
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', resolve);
  });
}
