import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Bench } from '../bench.ts';
import { program, startBenchFleet, type BenchFleet } from './bench-fleet.ts';

/*
 * What it costs a coordinator that an output of a worker elsewhere is copied to this machine: 200 MB over
 * HTTP on the loopback. Of memory what counts is how far it goes beyond what the coordinator has when the run
 * ends: that is what copying holds. What it has by then, of its start and the run, is printed.
 */

const enrol = promisify(execFile);
const megabytes = 200;
const secret = 'a secret of a worker elsewhere';
/** 141 bytes a line, none like another. */
const pour = `
const line = (n) => n.toString(36).padStart(12, '0') + ' ' + (n * 2654435761 % 4294967296).toString(16).repeat(20).slice(0, 127) + '\\n';
let n = 0;
const go = () => {
  for (; n < ${String(megabytes)} * 7142;) {
    let block = '';
    for (let i = 0; i < 500; i++) block += line(n++);
    if (!process.stdout.write(block)) return process.stdout.once('drain', go);
  }
};
go();`;

const maxCpuMsPerMb = 1;
const maxGrowthMb = 8;

interface Used {
  cpuMs: number;
  nowMb: number;
  peakMb: number;
}

export async function run(): Promise<Bench> {
  const port = await freePort();
  const fleet = await startBenchFleet('best_effort', {
    workers: { count: 0 },
    remote_workers: {
      far: { url: `http://127.0.0.1:${String(port)}/mcp`, secret: { command: ['/bin/echo', secret] } },
    },
    commands: [{ argv: [process.execPath, '-e', '...'], trust_arguments: true }],
    pipelines: {
      pour: {
        read_only: true,
        stages: [{ name: 'pour', engine: 'command', argv: [process.execPath, '-e', pour] }],
      },
    },
  });
  const stateDir = fleet.env['CODEX_FLEET_STATE_DIR'] ?? '';
  const far = await startFar(fleet, join(stateDir, '..', 'far'), port);
  try {
    const id = await runToEnd(fleet);
    const before = await usedBy(stateDir, 'coordinator', true);
    const begun = performance.now();
    const copy = join(stateDir, 'replicas', id);
    while (!existsSync(copy)) await delay(20);
    const seconds = (performance.now() - begun) / 1_000;
    const after = await usedBy(stateDir, 'coordinator');
    const reader = await usedBy(stateDir, 'reader').catch(() => ({ cpuMs: 0, nowMb: 0, peakMb: 0 }));
    const cpuMsPerMb = (after.cpuMs - before.cpuMs) / megabytes;
    const growthMb = after.peakMb - before.nowMb;
    const pass = cpuMsPerMb <= maxCpuMsPerMb && growthMb <= maxGrowthMb;
    const figures = {
      megabytes,
      seconds,
      cpuMsPerMb,
      peakBeforeMb: before.peakMb,
      beforeMb: before.nowMb,
      growthMb,
      peakMb: after.peakMb,
      reader,
    };
    const table = [
      `${String(megabytes)} MB copied from a worker over HTTP in ${seconds.toFixed(1)} s after its run had ended`,
      `coordinator  ${cpuMsPerMb.toFixed(2)} ms CPU a MB (at most ${String(maxCpuMsPerMb)}), peak RSS ${growthMb.toFixed(1)} MB more than before (at most ${String(maxGrowthMb)}): ${after.peakMb.toFixed(0)} MB`,
      `reader       ${(reader.cpuMs / megabytes).toFixed(2)} ms CPU a MB, peak RSS ${reader.peakMb.toFixed(0)} MB`,
    ].join('\n');
    return { table, pass, figures };
  } finally {
    far.kill();
    await fleet.close();
  }
}

/** Its stdout handle. */
async function runToEnd({ client, work }: BenchFleet): Promise<string> {
  await client.call('start_run', { pipeline: 'pour', cwd: work, task_id: 'copies' });
  for (let cursor = '0'; ;) {
    const reply = await client.call('poll_run', { task_id: 'copies', cursor, wait_ms: 20_000, until: 'all' });
    cursor = String(reply['cursor']);
    const id = /"completed".*"handle_id":"(hdl_[\w-]+)"/.exec(JSON.stringify(reply['runs']))?.[1];
    if (id !== undefined) return id;
  }
}

async function usedBy(stateDir: string, role: string, fromHere = false): Promise<Used> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (!words.includes(program) || !words.includes(role)) continue;
    const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environ.includes(`CODEX_FLEET_STATE_DIR=${stateDir}\0`)) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    let ns = 0;
    for (const task of await readdir(`/proc/${pid}/task`)) {
      const schedule = await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8').catch(() => '0');
      ns += Number(schedule.split(' ')[0]);
    }
    // The peak from now on (proc(5)).
    if (fromHere) await writeFile(`/proc/${pid}/clear_refs`, '5');
    const mb = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return { cpuMs: ns / 1e6, nowMb: mb('VmRSS'), peakMb: mb('VmHWM') };
  }
  throw new Error(`no ${role}`);
}

async function startFar(fleet: BenchFleet, dir: string, port: number): Promise<{ kill(): void }> {
  await mkdir(dir, { mode: 0o700 });
  const env = {
    ...fleet.env,
    CODEX_FLEET_STATE_DIR: dir,
    CODEX_FLEET_SECRET: secret,
    CODEX_FLEET_LOG_LEVEL: 'info',
  };
  const args = [program, 'worker', '--id', 'far', '--slots', '2', '--http', String(port)];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: child.stderr })) if (line.includes('"listening"')) break;
  child.stderr.resume();
  await enrol(process.execPath, [program, 'trust', 'add', 'far'], { env: fleet.env });
  return { kill: () => void child.kill('SIGKILL') };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
