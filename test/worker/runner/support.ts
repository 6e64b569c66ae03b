import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import type { ProcessEnd, ProcessSpec, RunningProcess } from '../../../servers/worker/runner/process.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

export const fixtures = join(import.meta.dirname, '..', '..', 'fixtures', 'bin');
export const path = `${dirname(process.execPath)}:/usr/bin:/bin`;

export const layers = ['pid_namespace', 'cgroup', 'best_effort'] as const;
/** The layers as an idle worker has them, and as a busy one, whose processes a spawner starts. */
export const ways = [...layers, 'pid_namespace, busy', 'best_effort, busy'] as const;
/** Those that also work when the process that runs them is killed. */
export const surviving = ['pid_namespace', 'cgroup'] as const;

export interface Watched {
  process: RunningProcess;
  ended: Promise<ProcessEnd>;
  stdout(): Buffer;
  stderr(): Buffer;
  /** Resolves once stdout holds `text`. */
  said(text: string): Promise<void>;
}

export interface Runner {
  run(argv: readonly [string, ...string[]], options?: Partial<ProcessSpec>): Watched;
  fixture(name: string, ...args: string[]): Watched;
}

/** Runs processes under a layer that really works here; nothing of it is left after the test. */
export async function openRunner(way: (typeof ways)[number]): Promise<Runner> {
  const stateDir = scratchFolder();
  const reaping = layers.find((layer) => way.startsWith(layer)) ?? 'best_effort';
  const { layer } = await probeReaping({ config: { reaping }, path, stateDir });
  if (way.endsWith('busy')) await layer.prepare?.();
  const startProcess = createStartProcess(layer);
  const running = new Set<RunningProcess>();
  onTestFinished(async () => {
    await Promise.all([...running].map((process) => process.terminate(0)));
    await layer.close();
  });
  const run: Runner['run'] = (argv, options = {}) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const listeners = new Set<() => void>();
    const process = startProcess(
      { argv, cwd: stateDir, env: { PATH: path }, stdin: 'ignore', tmpDir: stateDir, ...options },
      {
        stdout(chunk) {
          stdout.push(chunk);
          for (const listener of listeners) listener();
        },
        stderr(chunk) {
          stderr.push(chunk);
        },
      },
    );
    running.add(process);
    return {
      process,
      ended: process.ended,
      stdout: () => Buffer.concat(stdout),
      stderr: () => Buffer.concat(stderr),
      said: (text) =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            if (Buffer.concat(stdout).includes(text)) resolve();
          };
          listeners.add(look);
          look();
          void process.ended.then((end) => {
            reject(new Error(`It ended (${JSON.stringify(end)}) and never said "${text}".`));
          });
        }),
    };
  };
  return {
    run,
    fixture: (name, ...args) => run([process.execPath, join(fixtures, `${name}.mjs`), ...args]),
  };
}
