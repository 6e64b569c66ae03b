import { execFile } from 'node:child_process';
import {
  closeSync,
  openSync,
  writeSync,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../mcp/client.ts';
import type { FailpointName } from '../../platform/failpoint.ts';
import { workerContracts } from '../../schemas/tools.ts';
import { recordedProcesses } from '../../cli/fleet/process-record.ts';
import { killHard, pidOf, runningEngines } from './processes.ts';
import type { Random } from './random.ts';
import type { Stage } from './stage.ts';
import type { Site } from './site.ts';

const reachMs = 60_000;

/** Lets a process of the fleet die at a failpoint, with traffic of the kind that leads there. */
export async function killAt(
  stage: Stage,
  names: readonly FailpointName[],
  { inFlight, round }: { inFlight: number; round: number },
): Promise<void> {
  const { site, traffic, time, unreached } = stage;
  if (time.isUp()) {
    unreached.push(...names);
    return;
  }
  const random = stage.random.of('round', round);
  const armed = names.map((name) => ({ name, file: join(site.failpoints, name) }));
  for (const { name, file } of armed) {
    // Leases are renewed every ten seconds: the first time is late enough.
    writeFileSync(file, String(name.startsWith('store.heartbeat') ? 1 : 1 + random.int(3)));
  }
  const begun = Date.now();
  for (let restMs = 20; ; restMs = Math.min(200, restMs * 1.1)) {
    const left = armed.filter(({ file }) => !existsSync(`${file}.fired`));
    if (left.length === 0) return;
    if (Date.now() - begun > reachMs || time.isUp()) {
      unreached.push(...left.map(({ name }) => name));
      for (const { file } of left) rmSync(file, { force: true });
      return;
    }
    await traffic.fill(inFlight);
    for (const { name } of left) await provoke(stage, name, random);
    await delay(restMs);
  }
}

async function provoke(stage: Stage, name: FailpointName, random: Random): Promise<void> {
  const { traffic } = stage;
  if (name.startsWith('store.cancel')) await traffic.disturb('cancel', random);
  if (name.startsWith('store.hold')) await traffic.disturb('pause', random);
  if (name.startsWith('store.requeue')) await takeSlots(stage, random);
}

/** Takes all slots of a worker behind the coordinator's back: what it sends there next comes back. */
async function takeSlots({ site }: Stage, random: Random): Promise<void> {
  const socket = site.paths.workerSocket('local-1');
  try {
    const peer = await connect(workerContracts, { socket });
    try {
      const { slots, busy } = await peer.call('describe_worker', {});
      const runs = Array.from({ length: slots - busy }, () => ({
        inputs: { id: `foreign${String(random.int(1e9))}`, seconds: '0.4', code: '0' },
      }));
      if (runs.length > 0)
        await peer.call('start_run', { pipeline: 'again', cwd: site.work, task_id: 'foreign', runs });
    } finally {
      await peer.close();
    }
  } catch {
    // It died, or somebody else was faster.
  }
}

type Target = 'coordinator' | 'worker' | 'engine' | 'bridge' | 'cancel' | 'pause';
const targets: readonly Target[] = [
  ...(['coordinator', 'worker', 'worker', 'engine', 'engine'] as const),
  ...(['bridge', 'cancel', 'pause'] as const),
];

/** Kills something at random, or asks for something in between. The n-th strike is always of the same kind. */
export async function strike(stage: Stage, n: number, among = targets): Promise<void> {
  const { site, traffic, killed, kills } = stage;
  const random = stage.random.of('strike', n);
  const what = random.pick(among);
  if (what === 'coordinator' || what === 'worker') {
    const workers = Math.max(1, recordedProcesses(site.paths).length - 1);
    const name = what === 'worker' ? `local-${String(1 + random.int(workers))}` : what;
    const pid = pidOf(site, name);
    if (pid !== undefined) killHard(pid);
  } else if (what === 'engine') {
    const engine = random.pick(runningEngines(site));
    if (engine === undefined) return;
    killed.add(engine.id);
    killHard(engine.pid);
    kills.engine += 1;
  } else if (what === 'bridge') {
    random.pick(traffic.clients)?.kill();
    kills.bridge += 1;
  } else if (what === 'cancel' || what === 'pause') {
    await traffic.disturb(what, random);
  }
}

/** Kills a worker and cuts the ends off the files it was writing, before its successor reads them. */
export function killAndCut(stage: Stage, n: number): void {
  const { site } = stage;
  const random = stage.random.of('strike', n);
  const name = `local-${String(1 + random.int(2))}`;
  const pid = pidOf(site, name);
  if (pid === undefined) return;
  // Halted first: nobody brings up a successor while the files are cut.
  const coordinator = pidOf(site, 'coordinator');
  if (coordinator !== undefined) process.kill(coordinator, 'SIGSTOP');
  try {
    killHard(pid);
    const dir = site.paths.workerDir(name);
    const files = [
      join(dir, 'runs', 'records.jsonl'),
      join(dir, 'handles', 'journal.jsonl'),
      ...lately(join(dir, 'handles')),
    ];
    for (const file of files) if (existsSync(file)) cut(file, 1 + random.int(200));
  } finally {
    if (coordinator !== undefined) process.kill(coordinator, 'SIGCONT');
  }
}

function cut(file: string, bytes: number): void {
  truncateSync(file, Math.max(0, statSync(file).size - bytes));
}

/** The handles made last. */
function lately(folder: string): string[] {
  const files = readdirSync(folder)
    .filter((name) => name.startsWith('hdl_'))
    .map((name) => join(folder, name));
  return files.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs).slice(0, 3);
}

/** Puts a small file system under the state folder; only root may. The answer takes it away again. */
export async function mountSmall({ paths }: Site): Promise<() => Promise<void>> {
  const run = promisify(execFile);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=700', 'tmpfs', paths.stateDir]);
  return async () => {
    await run('umount', ['-l', paths.stateDir]);
  };
}

/** Writes until nothing fits any more. */
export function fillDisk({ paths }: Site): string {
  const ballast = join(paths.stateDir, 'ballast');
  const fd = openSync(ballast, 'w');
  for (let block = Buffer.alloc(1 << 20); block.length > 0;) {
    try {
      writeSync(fd, block);
    } catch {
      block = block.subarray(0, block.length >> 1);
    }
  }
  closeSync(fd);
  return ballast;
}
