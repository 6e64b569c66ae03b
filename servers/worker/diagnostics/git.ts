import { spawn } from 'node:child_process';
import { processEnv } from '../../../platform/environment.ts';

/**
 * Git, asked about a repository nobody vouches for: whatever its configuration says, no hook,
 * monitor, pager, external diff, signature check, lazy fetch or prompt is run, and nothing is
 * written. Filter drivers have no switch of their own; they are named and emptied one by one.
 */
const disarmed = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.attributesFile=/dev/null',
  'core.pager=cat',
  'core.quotePath=false',
  'core.sshCommand=false',
  'credential.helper=',
  'log.showSignature=false',
  'protocol.allow=never',
  'safe.directory=*',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
];
const environment = {
  PATH: processEnv['PATH'] ?? '',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  GIT_ALLOW_PROTOCOL: '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
};

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
  const bare: Git = (args, options) => run(cwd, disarmed, args, options?.maxBytes);
  const inside = await bare(['rev-parse', '--is-inside-work-tree']);
  if (inside.stdout.trim() !== 'true') return undefined;
  const names = await bare(['config', '--null', '--name-only', '--list']);
  const drivers = new Set(names.stdout.split('\0').filter((name) => /^(?:filter|diff|merge)\../.test(name)));
  const emptied = [...drivers].flatMap((name) => emptyDriver(name));
  return (args, options) => run(cwd, [...disarmed, ...emptied], args, options?.maxBytes);
}

function emptyDriver(name: string): string[] {
  // `-c` splits at the first `=`; a driver so named could not be addressed, and is refused instead.
  if (name.includes('='))
    throw new Error(`the repository configures ${JSON.stringify(name)}, which cannot be disarmed`);
  if (/\.(?:clean|smudge|process|textconv|command|driver)$/.test(name)) return [`${name}=`];
  return name.endsWith('.required') ? [`${name}=false`] : [];
}

function run(
  cwd: string,
  settings: readonly string[],
  args: readonly string[],
  maxBytes = defaultMaxBytes,
): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...settings.flatMap((setting) => ['-c', setting]), ...args], {
      cwd,
      env: environment,
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
