import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stdioClient, type StdioClient } from './stdio-client.ts';

const run = promisify(execFile);
export const program = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'cli', 'main.js');

export interface BenchFleet {
  client: StdioClient;
  env: Record<string, string>;
  work: string;
  /** Resident memory of the fleet's processes, MB, and CPU time used so far, ms, by name. */
  processes(): Promise<{ name: string; rssMb: number; cpuMs: number }[]>;
  close(): Promise<void>;
}

const command = (name: string, argv: string[]) => ({
  read_only: true,
  inputs: { n: { type: 'string' } },
  stages: [{ name, engine: 'command', argv }],
});

/** A fleet of its own with 2 workers of 4 slots and pipelines for trivial commands, reached through the bridge. */
export async function startBenchFleet(
  reaping: 'best_effort' | 'auto',
  settings: Record<string, unknown> = {},
): Promise<BenchFleet> {
  const root = await mkdtemp(join(tmpdir(), 'fleet-bench-'));
  const work = join(root, 'work');
  await mkdir(work);
  const config = {
    roots: [work],
    workers: { count: 2, slots: 4 },
    scheduling: { heed_hosts: false },
    runs_dir: 'off',
    reaping,
    ...(reaping === 'best_effort' && { sandbox: { profile: 'off' } }),
    commands: [
      { argv: ['/bin/echo', '...'] },
      { argv: [process.execPath, '-e', '...'], trust_arguments: true },
    ],
    pipelines: {
      echo: command('echo', ['/bin/echo', '${inputs.n}']),
      node: command('node', [process.execPath, '-e', '0']),
      slow: command('slow', [process.execPath, '-e', 'console.log(1); setTimeout(() => {}, 1500)']),
    },
    ...settings,
  };
  await writeFile(join(root, 'config.json'), JSON.stringify(config));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: root,
    CODEX_FLEET_STATE_DIR: join(root, 'state'),
    CODEX_FLEET_CONFIG: join(root, 'config.json'),
    CODEX_FLEET_LOG_LEVEL: 'warn',
  };
  await run(process.execPath, [program, 'up'], { env });
  const client = await stdioClient(process.execPath, [program, 'mcp'], env);
  return {
    client,
    env,
    work,
    processes: () => readProcesses(env.CODEX_FLEET_STATE_DIR),
    close: async () => {
      await client.close();
      await run(process.execPath, [program, 'down', '--cancel'], { env });
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function readProcesses(stateDir: string): Promise<{ name: string; rssMb: number; cpuMs: number }[]> {
  const { readdir } = await import('node:fs/promises');
  const found = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const name = words.includes('coordinator')
      ? 'coordinator'
      : words.includes('worker')
        ? 'worker'
        : undefined;
    if (name === undefined || !words.includes(program)) continue;
    const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environ.includes(`CODEX_FLEET_STATE_DIR=${stateDir}\0`)) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const schedule = await readFile(`/proc/${pid}/schedstat`, 'utf8');
    found.push({
      name,
      rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
      cpuMs: Number(schedule.split(' ')[0]) / 1e6,
    });
  }
  return found;
}
