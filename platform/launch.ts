import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Install } from './install.ts';

/**
 * V8 grows its young generation to 16 MB and more before it collects; ours hold little that is
 * short-lived, and 1 MB keeps an idle process about 10 MB smaller.
 */
const nodeFlags = ['--max-semi-space-size=1'];

/**
 * Starts a process of ours that outlives this one: own session, cwd `/`, stderr to its log, stdout
 * to nothing. Answers its pid once it runs.
 */
export function launchDetached(options: {
  install: Install;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  logFile: string;
}): Promise<number> {
  mkdirSync(dirname(options.logFile), { recursive: true, mode: 0o700 });
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(options.install.node, [...nodeFlags, options.install.entry, ...options.args], {
    cwd: '/',
    env: options.env,
    detached: true,
    stdio: ['ignore', 'ignore', log],
  });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      resolve(child.pid ?? 0);
    });
  });
}
