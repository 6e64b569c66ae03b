import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Peer } from '../../../mcp/client.ts';
import { openBlobs } from '../../../platform/blobs/blobs.ts';
import { memorySettings, nodeFlags } from '../../../platform/launch.ts';
import { workerRequests } from '../../../schemas/operator.ts';
import { workerContracts, type WorkerContracts } from '../../../schemas/tools.ts';
import { program } from '../bench-fleet.ts';

/** One real worker process, and what it costs. */
export interface BenchWorker {
  peer: Peer<WorkerContracts>;
  stateDir: string;
  /** Its own processor time so far, ms; its children's not counted. */
  cpuMs(): number;
  /** The most it ever had resident, MB. */
  peakMb(): number;
  /** Runs one command line; answers the handle of what it printed. */
  print(...argv: string[]): Promise<Printed>;
  /** The same, under way: its run. */
  begin(...argv: string[]): Promise<string>;
  ended(runId: string): Promise<Printed>;
  /** Removes all that was printed so far. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

export interface Printed {
  handle: string;
  bytes: number;
}

const slots = 32;

export async function startBenchWorker(
  root: string,
  settings: Record<string, unknown> = {},
): Promise<BenchWorker> {
  const stateDir = join(root, 'state');
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const text = { type: 'string', required: true };
  const lists = Array.from({ length: 20 }, (_, at) => `a${String(at)}`);
  const pipelines = Object.fromEntries(
    lists.map((_, count) => {
      const names = lists.slice(0, count + 1);
      const inputs = Object.fromEntries(names.map((name) => [name, text]));
      const argv = names.map((name) => `\${inputs.${name}}`);
      return [
        `p${String(count + 1)}`,
        { read_only: true, inputs, stages: [{ name: 'main', engine: 'command', argv }] },
      ];
    }),
  );
  const config = {
    roots: [root],
    reaping: 'best_effort',
    sandbox: { profile: 'off' },
    limits: { output_bytes: 2 ** 34 },
    commands: [{ argv: ['/bin/cat', '...'] }, { argv: [process.execPath, '...'], trust_arguments: true }],
    pipelines,
    ...settings,
  };
  writeFileSync(join(root, 'config.json'), JSON.stringify(config));
  // Started as a coordinator starts one.
  const env = {
    ...memorySettings,
    PATH: '/usr/bin:/bin',
    HOME: root,
    CODEX_FLEET_STATE_DIR: stateDir,
    CODEX_FLEET_CONFIG: join(root, 'config.json'),
    CODEX_FLEET_LOG_LEVEL: 'warn',
  };
  const socket = join(stateDir, 'bench.sock');
  const args = [
    ...nodeFlags,
    program,
    'worker',
    '--id',
    'bench',
    '--slots',
    String(slots),
    '--socket',
    socket,
  ];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const peer = await reach(socket);
  const stat = (): string[] =>
    readFileSync(`/proc/${String(child.pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];

  let keys: string[] = [];
  let begun = 0;
  const begin = async (...argv: string[]): Promise<string> => {
    const inputs = Object.fromEntries(argv.map((value, at) => [`a${String(at)}`, value]));
    begun += 1;
    const request_key = `bench-${String(begun)}`;
    keys.push(request_key);
    const spec = { pipeline: `p${String(argv.length)}`, cwd: root, inputs, request_key };
    const { runs } = await peer.call('start_run', spec);
    return runs[0]?.run_id ?? '';
  };
  const forgetRuns = 'codex-fleet/forget_runs';
  const ended = async (runId: string): Promise<Printed> => {
    for (let cursor = '0'; ;) {
      const reply = await peer.call('poll_run', { run_ids: [runId], cursor, wait_ms: 25_000, until: 'all' });
      cursor = reply.cursor;
      const run = reply.runs.find((one) => one.outcome !== undefined);
      if (run === undefined) continue;
      const handle = run.handles?.find(({ stream }) => stream === 'stdout');
      if (run.status !== 'completed' || handle === undefined) throw new Error(JSON.stringify(run));
      return { handle: handle.handle_id, bytes: handle.bytes };
    }
  };
  return {
    peer,
    stateDir,
    // In hundredths of a second, see proc(5).
    cpuMs: () => (Number(stat()[11]) + Number(stat()[12])) * 10,
    peakMb: () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${String(child.pid)}/status`, 'utf8'))?.[1]) / 1024,
    begin,
    ended,
    print: async (...argv) => ended(await begin(...argv)),
    forget: async () => {
      await peer.request(forgetRuns, workerRequests[forgetRuns], { keys, dry_run: false });
      keys = [];
      await openBlobs(join(stateDir, 'blobs')).collect();
    },
    close: async () => {
      await peer.close();
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    },
  };
}

async function reach(socket: string): Promise<Peer<WorkerContracts>> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await connect(workerContracts, { socket });
    } catch (error) {
      if (tries > 200) throw error;
      await delay(50);
    }
  }
}
