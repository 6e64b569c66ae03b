import { spawn, type ChildProcess } from 'node:child_process';
import { checkProgram } from './check-program.ts';
import type { ProcessSpec } from './process.ts';

/**
 * Starts a process in a session and process group of its own: argv only, never a shell, the whole
 * environment given; `passed` are further descriptors, from 3 on. Only ever called on the main thread: a parent-death signal (bwrap's
 * `--die-with-parent`) follows the thread that forked, see PR_SET_PDEATHSIG in prctl(2).
 */
export function spawnChild(
  argv: readonly [string, ...string[]],
  spec: ProcessSpec,
  cwd: string,
  passed: readonly number[] = [],
): ChildProcess {
  const { held } = spec;
  if (held !== undefined) checkProgram(argv[0], cwd);
  const [file, ...args] = held === undefined ? argv : ([...held.through, ...argv] as const);
  return spawn(file, args, {
    cwd,
    env: spec.env,
    detached: true,
    stdio: [spec.stdin, 'pipe', 'pipe', ...passed],
  });
}

/** The errno of a failed system call, `UNKNOWN` where the error carries none. */
export function errnoOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return 'UNKNOWN';
}
