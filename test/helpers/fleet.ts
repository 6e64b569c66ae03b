import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

export const programFile = join(
  dirname(fileURLToPath(import.meta.url)),
  '..',
  '..',
  'dist',
  'cli',
  'main.js',
);

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface TestFleet {
  home: string;
  /** A folder runs may work in. */
  work: string;
  stateDir: string;
  env: Record<string, string>;
  /** Runs the built program to its end. */
  cli(...args: string[]): Promise<CommandResult>;
  coordinatorPid(): Promise<number>;
  url(): Promise<string>;
  secret(): Promise<string>;
  /** Ends the fleet and removes its folders. */
  close(): Promise<void>;
}

/**
 * A fleet of its own in an empty home, not started yet, that uses all its slots however busy the machine is;
 * its paths are outside the temp folder Codex avoids. Its commands may leave marks outside of their folder.
 */
export async function createFleet(
  config: Record<string, unknown> = {},
  extraEnv: Record<string, string> = {},
): Promise<TestFleet> {
  const root = await realpath(await mkdtemp(join(homeBase(), 'fleet-test-')));
  const home = join(root, 'home');
  const work = join(root, 'work');
  const stateDir = join(root, 'state');
  const configFile = join(root, 'config.json');
  const temp = join(root, 'tmp');
  for (const dir of [home, work, stateDir, temp]) await mkdir(dir, { mode: 0o700 });
  await writeFile(
    configFile,
    JSON.stringify({
      roots: [work],
      scheduling: { heed_hosts: false },
      sandbox: { profile: 'off' },
      ...config,
    }),
  );
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    TMPDIR: temp,
    CODEX_FLEET_STATE_DIR: stateDir,
    CODEX_FLEET_CONFIG: configFile,
    ...extraEnv,
  };
  const cli = (...args: string[]): Promise<CommandResult> =>
    runProgram(process.execPath, [programFile, ...args], work, env);
  return {
    home,
    work,
    stateDir,
    env,
    cli,
    coordinatorPid: async () => coordinatorPid(stateDir),
    url: async () => `http://127.0.0.1:${(await readFile(join(stateDir, 'http-port'), 'utf8')).trim()}/mcp`,
    secret: async () => (await readFile(join(stateDir, 'http-secret'), 'utf8')).trim(),
    close: async () => {
      const { code, stderr } = await cli('down', '--cancel');
      await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      if (code !== 0) throw new Error(`codex-fleet down failed: ${stderr}`);
    },
  };
}

/** Codex refuses a CODEX_HOME below the system's temp folder. */
function homeBase(): string {
  return process.env['FLEET_TEST_BASE'] ?? (tmpdir() === '/var/tmp' ? '/tmp' : '/var/tmp');
}

/** The process that holds the coordinator's socket, found by its command line and state folder. */
async function coordinatorPid(stateDir: string): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const pid = await findProcess('coordinator', stateDir);
    if (pid !== undefined) return pid;
    await delay(50);
  }
  throw new Error('no coordinator runs');
}

/** A process of ours by its sub-command and the state folder in its environment. */
export async function findProcess(command: string, stateDir: string): Promise<number | undefined> {
  const { readdir } = await import('node:fs/promises');
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    const words = line.split('\0');
    if (!words.includes(programFile) || !words.includes(command)) continue;
    const environ = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '');
    if (environ.split('\0').includes(`CODEX_FLEET_STATE_DIR=${stateDir}`)) return Number(name);
  }
  return undefined;
}

export function runProgram(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}
