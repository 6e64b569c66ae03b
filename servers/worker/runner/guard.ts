import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';

/**
 * Blocks on its input, whose other end only the guarded process holds (children do not inherit it):
 * the kernel closes that end however the process dies. Then it kills the cgroup `$0` with all below
 * it and removes the folders. Fixed text; nothing is put into it.
 */
const guardScript = [
  'trap "" HUP INT TERM',
  'read -r _',
  'echo 1 > "$0/cgroup.kill"',
  'n=0',
  'while [ -d "$0" ] && [ $n -lt 50 ]; do',
  '  rmdir "$0"/*/ 2>/dev/null',
  '  rmdir "$0" 2>/dev/null || sleep 0.1',
  '  n=$((n + 1))',
  'done',
].join('\n');

const restartMs = 100;

export interface Guard {
  /** Lets the guard do its work now: whatever is left in the cgroup is killed. */
  close(): Promise<void>;
}

/** Watches over this process's cgroup folder from outside of it. A guard that was killed is replaced. */
export function startGuard(folder: string): Guard {
  let isClosed = false;
  let current = spawnGuard(folder);
  const replaceWhenGone = (): void => {
    current.once('exit', () => {
      if (isClosed) return;
      setTimeout(() => {
        if (isClosed) return;
        current = spawnGuard(folder);
        replaceWhenGone();
      }, restartMs).unref();
    });
  };
  replaceWhenGone();
  return {
    async close() {
      isClosed = true;
      if (current.exitCode !== null || current.signalCode !== null) return;
      current.ref();
      const gone = once(current, 'exit');
      current.stdin?.end();
      await gone;
    },
  };
}

function spawnGuard(folder: string): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', guardScript, folder], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return guard;
}
