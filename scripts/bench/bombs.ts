import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Peer } from '../../mcp/client.ts';
import { fleetPaths } from '../../platform/paths.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import type { Bench } from '../bench.ts';
import { startBenchFleet } from './bench-fleet.ts';
import { columns, median, quantile, short } from './statistics.ts';

const neighbours = Number(process.env['BENCH_RUNS'] ?? 500);
const trees = 100;
const treesAtOnce = 25;
/** Highest p99 of runs beside bombs, times that of runs beside nothing. */
const targetRatio = 2;
const mebibyte = 1024 * 1024;

/** In the arguments of every orphan. */
const mark = String(600_000 + process.pid);
const orphans = `(setsid /bin/sleep ${mark} &); (env -i /usr/bin/setsid /bin/sleep ${mark} &); (setsid setsid /bin/sleep ${mark} &)`;
const bomb = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'bin', 'bomb.mjs');

interface Bomb {
  argv: string[];
  limits: Record<string, number>;
  outcome: string;
  sandbox?: 'default';
}

const shell = (script: string): string[] => ['/bin/sh', '-c', script];

/** Each ends by itself, too, at a small multiple of its limit. */
const bombs: Readonly<Record<string, Bomb>> = {
  memory: {
    argv: [process.execPath, bomb, 'memory'],
    limits: { memory_bytes: 96 * mebibyte },
    outcome: 'limit memory',
  },
  tmpfs: {
    argv: shell(`head -c ${String(128 * mebibyte)} /dev/zero > /tmp/large; sleep 10`),
    limits: { memory_bytes: 32 * mebibyte },
    outcome: 'limit memory',
    sandbox: 'default',
  },
  fork: {
    argv: shell('n=0; while [ $n -lt 200 ]; do sleep 10 & n=$((n + 1)); done; wait'),
    limits: { processes: 32 },
    outcome: 'limit processes',
  },
  cpu: {
    argv: shell('spin() { i=0; while [ $i -lt 9000000 ]; do i=$((i + 1)); done; }; spin & spin & spin'),
    limits: { cpu_ms: 1_000 },
    outcome: 'limit cpu',
  },
  disk: {
    argv: shell('head -c 67108864 /dev/zero > "$TMPDIR/large"'),
    limits: { disk_bytes: 8 * mebibyte },
    outcome: 'limit disk',
  },
  files: {
    argv: [process.execPath, bomb, 'files'],
    limits: { open_files: 64 },
    outcome: 'limit files',
  },
  output: { argv: shell('yes'), limits: {}, outcome: 'limit output' },
  wall: { argv: shell('sleep 20'), limits: {}, outcome: 'timeout' },
};

const calm = { memory_bytes: 512 * mebibyte, processes: 64 };
const stage = (argv: string[]) => [{ name: 'go', engine: 'command', argv }];
const pipelines = {
  echo: { read_only: true, stages: stage(['/bin/echo', 'hello']) },
  held: { read_only: true, stages: stage(['/bin/echo', 'hello']), limits: calm },
  orphans: { read_only: true, stages: stage(shell(`${orphans}; sleep 20`)), limits: calm },
  swarm: {
    read_only: true,
    stages: stage(shell(`${orphans}; n=0; while [ $n -lt 40 ]; do sleep 20 & n=$((n + 1)); done; wait`)),
    limits: { processes: 12 },
  },
  ...Object.fromEntries(
    Object.entries(bombs).map(([name, { argv, limits, sandbox }]) => [
      name,
      {
        read_only: true,
        stages: stage(argv),
        limits: { cpu_cores: 0.5, ...limits },
        ...(sandbox && { sandbox }),
      },
    ]),
  ),
};

/** Bombs through a whole fleet: what ends each, how runs beside them fare, and what is left of their trees. */
export async function run(): Promise<Bench> {
  const fleet = await startBenchFleet('auto', {
    workers: { count: 2, slots: 16 },
    commands: [
      { argv: ['/bin/sh', '...'], trust_arguments: true },
      { argv: [process.execPath, '...'], trust_arguments: true },
      { argv: ['/bin/echo', '...'] },
    ],
    pipelines,
    limits: { allow_degraded: ['disk'] },
  });
  const paths = fleetPaths(fleet.env);
  const peer = await connect(fleetContracts, { socket: paths.coordinatorSocket });
  const crew = new Crew(peer, fleet.work);
  try {
    await crew.latencies('echo', 20);
    await crew.latencies('held', 20);
    const quiet = await crew.latencies('echo', neighbours);
    const held = await crew.latencies('held', neighbours);
    const wrong = crew.explode();
    const beside = await crew.latencies('echo', neighbours);
    const { exploded, missed } = await wrong();
    const ended = await crew.endTrees();
    const killed = await crew.killTrees(paths.stateDir);
    const ratio = quantile(beside, 0.99) / quantile(quiet, 0.99);
    const pass = ratio <= targetRatio && missed.length === 0 && ended + killed === 0;
    const row = (name: string, of: number[]): string[] => [
      name,
      short(median(of)),
      short(quantile(of, 0.99)),
      short(quantile(of, 0.99) / quantile(quiet, 0.99)),
    ];
    const table = columns([
      ['echo', 'p50 ms', 'p99 ms', 'p99 times quiet'],
      row('alone', quiet),
      row('alone, with limits', held),
      row(`beside ${String(exploded)} bombs`, beside),
    ]);
    const lines = [
      table,
      `Bombs that ended otherwise than by their limit: ${missed.join(', ') || 'none'}.`,
      `Processes left of ${String(trees)} trees ended by a limit: ${String(ended)}; of workers killed: ${String(killed)}.`,
    ];
    return { table: lines.join('\n'), pass, figures: { ratio, exploded, missed, ended, killed } };
  } finally {
    await peer.close();
    await fleet.close();
  }
}

class Crew {
  readonly #peer: Peer<FleetContracts>;
  readonly #cwd: string;
  #count = 0;

  constructor(peer: Peer<FleetContracts>, cwd: string) {
    this.#peer = peer;
    this.#cwd = cwd;
  }

  /** ms of each of so many runs, one after the other. */
  async latencies(pipeline: string, many: number): Promise<number[]> {
    const found: number[] = [];
    for (let at = 0; at < many; at += 1) {
      const begun = performance.now();
      await this.#toEnd([pipeline]);
      found.push(performance.now() - begun);
    }
    return found;
  }

  /** Two bombs at a time, until the returned function is called. */
  explode(): () => Promise<{ exploded: number; missed: string[] }> {
    const state = { isOver: false, exploded: 0, next: 0 };
    const missed: string[] = [];
    const names = Object.keys(bombs);
    const light = async (): Promise<void> => {
      while (!state.isOver || state.exploded < names.length) {
        const name = names[state.next % names.length] ?? 'cpu';
        state.next += 1;
        const [run] = await this.#toEnd([name], { output_bytes: mebibyte, wall_ms: 2_500 });
        state.exploded += 1;
        if (run?.outcome !== bombs[name]?.outcome) missed.push(`${name}: ${run?.outcome ?? 'nothing'}`);
      }
    };
    const lit = Promise.all([light(), light()]);
    return async () => {
      state.isOver = true;
      await lit;
      return { exploded: state.exploded, missed };
    };
  }

  /** Trees that reach a limit; how many of their processes are left. */
  async endTrees(): Promise<number> {
    for (let at = 0; at < trees; at += treesAtOnce) await this.#toEnd(Array(treesAtOnce).fill('swarm'));
    return leftBehind();
  }

  /** Trees whose workers are killed; how many of their processes are left a moment later. */
  async killTrees(stateDir: string): Promise<number> {
    for (let at = 0; at < trees; at += treesAtOnce) {
      const begun = await this.#start(Array(treesAtOnce).fill('orphans'), { max_attempts: 1 });
      const isUp = await until(async () => (await leftBehind()) >= 3 * treesAtOnce);
      if (!isUp) throw new Error('The trees did not grow.');
      for (const pid of await workersOf(stateDir)) process.kill(pid, 'SIGKILL');
      await this.#end(begun);
      await until(async () => (await leftBehind()) === 0);
    }
    return leftBehind();
  }

  async #toEnd(names: string[], more: Record<string, number> = {}): Promise<RunSnapshot[]> {
    return this.#end(await this.#start(names, more));
  }

  async #start(names: string[], more: Record<string, number>): Promise<string> {
    this.#count += 1;
    const task_id = `bench-${String(this.#count)}`;
    const runs = names.map((pipeline) => ({ pipeline }));
    await this.#peer.call('start_run', { task_id, cwd: this.#cwd, runs, ...more });
    return task_id;
  }

  async #end(task_id: string): Promise<RunSnapshot[]> {
    const seen = new Map<string, RunSnapshot>();
    for (let cursor = '0'; ;) {
      const reply = await this.#peer.call('poll_run', { task_id, cursor, wait_ms: 20_000, until: 'all' });
      for (const one of reply.runs) seen.set(one.run_id, one);
      cursor = reply.cursor;
      if (reply.open === 0 && !reply.more) return [...seen.values()];
    }
  }
}

async function leftBehind(): Promise<number> {
  return (await pidsWith((words) => words.includes(mark))).length;
}

async function workersOf(stateDir: string): Promise<number[]> {
  const found = await pidsWith((words) => words.includes('worker') && words.includes('--socket'));
  const ours = await Promise.all(
    found.map(async (pid) => (await read(pid, 'environ')).includes(`CODEX_FLEET_STATE_DIR=${stateDir}\0`)),
  );
  return found.filter((_, at) => ours[at] === true);
}

async function pidsWith(fits: (words: string[]) => boolean): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(pids.map((pid) => read(pid, 'cmdline')));
  return pids.filter((_, at) => fits((lines[at] ?? '').split('\0')));
}

async function read(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${String(pid)}/${file}`, 'latin1').catch(() => '');
}

async function until(isDone: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 10_000;
  while (!(await isDone())) {
    if (performance.now() > deadline) return false;
    await delay(20);
  }
  return true;
}
