import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { program } from './bridge-client.ts';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built `codex-fleet` to its end in a state folder of its own. */
export async function runProgram(
  args: readonly string[],
  stateDir: string,
  options: { cwd?: string; env?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Ended> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: stateDir,
    CODEX_FLEET_STATE_DIR: stateDir,
    ...options.env,
  };
  const child = spawn(process.execPath, [program, ...args], {
    cwd: options.cwd ?? stateDir,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  options.signal?.addEventListener('abort', () => child.kill('SIGINT'));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, stdout, stderr };
}
