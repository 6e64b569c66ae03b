import { spawn } from 'node:child_process';
import { processEnv } from '../../../platform/environment.ts';
import {
  disarmedDrivers,
  disarmedSettings,
  namesOfSettings,
  ownGitEnvironment,
  settingsEnvironment,
  type Setting,
} from '../workspace/disarmed.ts';

/** Read-only, so that a work tree of another user may be looked at; names come as they are. */
const settings: readonly Setting[] = [
  ...disarmedSettings,
  ['core.quotePath', 'false'],
  ['safe.directory', '*'],
];

/** A repository of any size is answered within this, from as much as was read by then. */
const callMs = 20_000;
const defaultMaxBytes = 16 * 1024 * 1024;

export interface GitAnswer {
  ok: boolean;
  stdout: string;
  /** Cut by time or size: the text is only the beginning. */
  cut: boolean;
}

export type Git = (args: readonly string[], options?: { maxBytes?: number }) => Promise<GitAnswer>;

/** Git for one folder; undefined where the folder is in no work tree. Throws where there is no git. */
export async function openGit(cwd: string): Promise<Git | undefined> {
  const bare: Git = (args, options) => run(cwd, settings, args, options?.maxBytes);
  const inside = await bare(['rev-parse', '--is-inside-work-tree']);
  if (inside.stdout.trim() !== 'true') return undefined;
  const all = [...settings, ...disarmedDrivers((await bare(namesOfSettings)).stdout)];
  return (args, options) => run(cwd, all, args, options?.maxBytes);
}

function run(
  cwd: string,
  told: readonly Setting[],
  args: readonly string[],
  maxBytes = defaultMaxBytes,
): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, {
      cwd,
      env: { ...ownGitEnvironment, ...settingsEnvironment(told), PATH: processEnv['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let cut = false;
    const stop = () => {
      cut = true;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(stop, callMs);
    child.stdout.on('data', (chunk: Buffer) => {
      if (bytes < maxBytes) chunks.push(chunk.subarray(0, maxBytes - bytes));
      bytes += chunk.length;
      if (bytes > maxBytes) stop();
    });
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new Error('git cannot be run; is it installed and on the PATH of runs?', { cause }));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ ok: code === 0, stdout: Buffer.concat(chunks).toString('utf8'), cut });
    });
  });
}
