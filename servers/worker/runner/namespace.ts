import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isLive, readProcess, send } from './process-table.ts';

/**
 * What waits inside an empty namespace: says that it is there, ends when our end of its input closes
 * (so also when we die), and lets a run's own `kill -TERM -1` pass. Fixed text; nothing is put into it.
 */
const keeperScript = 'trap "" HUP INT TERM; echo; read -r _';

/** How every namespace of ours is opened, whatever is mounted in it: also tells one nobody finished opening. */
// prettier-ignore
export const openArguments: readonly string[] = [
  '--unshare-pid', '--die-with-parent', '--info-fd', '3', '--', '/bin/sh', '-c', keeperScript,
];

/** For reaping only: the file system as it is, devices included, so that a sandbox inside still works. */
const everything = ['--dev-bind', '/', '/', '--proc', '/proc'];

/** Only a machine in deep trouble needs longer to open a namespace, or to end what is inside. */
const openMs = 10_000;
const killMs = 5_000;

/** An empty pid namespace with its own /proc, ready to be entered. */
export interface Namespace {
  /** Its process 1, as we see it. Orphans inside become its children; with it all of them die. */
  readonly initPid: number;
  isGone(): boolean;
  /** A namespace in use keeps this process alive, a spare one does not. */
  hold(): void;
  /** Kills every process inside; resolves when none is left. Idempotent. */
  kill(): Promise<void>;
}

/**
 * Opens a namespace with bubblewrap, whose `mounts` say what is there to see. bwrap's own environment
 * is empty, because everything inside can read it. Rejects with bwrap's own words.
 */
export async function openNamespace(
  bwrap: string,
  mounts: readonly string[] = everything,
): Promise<Namespace> {
  const info = openInfoFile();
  const monitor = spawn(bwrap, [...mounts, ...openArguments], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', info],
  });
  const gone = new Promise<void>((resolve) => {
    monitor.once('exit', () => {
      resolve();
    });
  });
  let initPid: number;
  try {
    await followOpening(monitor);
    initPid = readInitPid(info);
  } catch (error) {
    monitor.kill('SIGKILL');
    throw error;
  } finally {
    closeSync(info);
  }
  setHeld(monitor, false);
  const hasExited = (): boolean => monitor.exitCode !== null || monitor.signalCode !== null;
  // Its parent makes it our process 1, and not another that got the same pid.
  const isGone = (): boolean => {
    const init = hasExited() ? undefined : readProcess(initPid);
    return init === undefined || init.parent !== monitor.pid || !isLive(init);
  };
  return {
    initPid,
    isGone,
    hold() {
      setHeld(monitor, true);
    },
    async kill() {
      // Process 1 leaves only after the kernel has ended all the others (pid_namespaces(7)), and the
      // monitor leaves after process 1: its end is the proof.
      if (!isGone()) send(initPid, 'SIGKILL');
      const timer = new AbortController();
      await Promise.race([gone, delay(killMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
      if (!hasExited()) monitor.kill('SIGKILL');
    },
  };
}

/**
 * bwrap tells the pid of process 1 in a file, not a pipe: if we died while it writes, a pipe would kill
 * it (SIGPIPE) while its child waits for a word from it, for ever. The file has no name by then.
 */
function openInfoFile(): number {
  const file = join(tmpdir(), `codex-fleet-${randomBytes(12).toString('hex')}`);
  const fd = openSync(file, 'wx+', 0o600);
  unlinkSync(file);
  return fd;
}

function readInitPid(info: number): number {
  const text = Buffer.alloc(4096);
  const length = readSync(info, text, 0, text.length, 0);
  const pid = /"child-pid":\s*(\d+)/.exec(text.toString('latin1', 0, length))?.[1];
  if (pid === undefined) throw namespaceError('bwrap did not tell the pid of the namespace it opened');
  return Number(pid);
}

/** Resolves once the keeper runs: by then every mount is in place. */
function followOpening(monitor: ChildProcess): Promise<void> {
  let complaint = '';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      complaint = `bwrap did not open a namespace in ${String(openMs)} ms`;
      monitor.kill('SIGKILL');
    }, openMs);
    const fail = (): void => {
      clearTimeout(timer);
      reject(namespaceError(complaint.trim() || 'bwrap ended without opening a namespace'));
    };
    monitor.stdin?.on('error', () => undefined);
    monitor.stdout?.once('data', () => {
      clearTimeout(timer);
      resolve();
    });
    monitor.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(0, 500);
    });
    monitor.once('error', (error) => {
      complaint = error.message;
      fail();
    });
    monitor.once('close', fail);
  });
}

function namespaceError(why: string): Error {
  return Object.assign(new Error(why), { code: 'NAMESPACE' });
}

function setHeld(monitor: ChildProcess, isHeld: boolean): void {
  const pipes = monitor.stdio.filter((pipe) => pipe instanceof Socket);
  for (const handle of [monitor, ...pipes]) {
    if (isHeld) handle.ref();
    else handle.unref();
  }
}
