import { spawn, type ChildProcess } from 'node:child_process';
import { checkProgram } from './check-program.ts';
import type { Child } from './child.ts';
import type { Entry } from './entry.ts';
import type { ProcessSpec } from './process.ts';
import type { Spawner } from './spawner.ts';

/**
 * Starts a process in a session and process group of its own: argv only, never a shell, the whole
 * environment given; `passed` are further descriptors, from 3 on. Only ever called on the main thread: a parent-death signal (bwrap's
 * `--die-with-parent`) follows the thread that forked, see PR_SET_PDEATHSIG in prctl(2).
 */
export function spawnChild(
  argv: Words,
  spec: ProcessSpec,
  cwd: string,
  passed: readonly number[] = [],
): ChildProcess {
  const [file, ...args] = wordsOf(argv, spec, cwd);
  return spawn(file, args, {
    cwd,
    env: spec.env,
    detached: true,
    stdio: [spec.stdin, 'pipe', 'pipe', ...passed],
  });
}

type Words = readonly [string, ...string[]];

/** With what it is started through, which then must not be the one to find that there is no such program. */
function wordsOf(argv: Words, { held }: ProcessSpec, cwd: string): Words {
  if (held === undefined) return argv;
  checkProgram(argv[0], cwd);
  return [...held.through, ...argv];
}

/**
 * Starts what a layer runs, by `argv` in `cwd`. A failure is thrown, rejected, or emitted as `error`, with an errno
 * as `code`. `entry`: what `argv` does before it becomes the command of `spec`, for who can do it without another program.
 */
export type SpawnRun = (
  argv: Words,
  spec: ProcessSpec,
  cwd: string,
  more?: { passed?: readonly number[] | undefined; entry?: Entry | undefined },
) => Child | Promise<Child>;

/** By the spawner what needs no input and no further descriptors; all else, and without one, by ourselves. */
export function spawnBy(spawner: Spawner | undefined): SpawnRun {
  const startBy = (argv: Words, spec: ProcessSpec, cwd: string, entry?: Entry) =>
    entry === undefined || spec.held !== undefined
      ? spawner?.start(wordsOf(argv, spec, cwd), spec, cwd)
      : spawner?.start(spec.argv, spec, spec.cwd, entry);
  return (argv, spec, cwd, { passed, entry } = {}) => {
    const isPlain = spec.stdin === 'ignore' && passed === undefined;
    const spawned = isPlain ? startBy(argv, spec, cwd, entry) : undefined;
    return spawned ?? spawnChild(argv, spec, cwd, passed);
  };
}

/** The errno of a failed system call, `UNKNOWN` where the error carries none. */
export function errnoOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return 'UNKNOWN';
}
