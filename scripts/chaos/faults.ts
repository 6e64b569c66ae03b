import { execFile } from 'node:child_process';
import {
  closeSync,
  openSync,
  writeSync,
  existsSync,
  readdirSync,
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
import { killHard, pidOf, runningCommands } from './processes.ts';
import type { Stage } from './scenario.ts';
import type { Site } from './site.ts';

const reachMs = 40_000;

/** Lets a process of the fleet die at a failpoint, with traffic of the kind that leads there. */
export async function killAt(stage: Stage, names: readonly FailpointName[], inFlight: number): Promise<void> {
  const { site, random, traffic, violations } = stage;
  const armed = names.map((name) => ({ name, file: join(site.failpoints, name) }));
  for (const { name, file } of armed) {
    // Leases are renewed every ten seconds: the first time is late enough.
    writeFileSync(file, String(name.startsWith('store.heartbeat') ? 1 : 1 + random.int(3)));
  }
  const begun = Date.now();
  for (;;) {
    const left = armed.filter(({ file }) => !existsSync(`${file}.fired`));
    if (left.length === 0) return;
    if (Date.now() - begun > reachMs) {
      violations.push(`never reached: ${left.map(({ name }) => name).join(', ')}`);
      return;
    }
    await traffic.fill(inFlight);
    for (const { name } of left) await provoke(stage, name);
    await delay(20);
  }
}

async function provoke(stage: Stage, name: FailpointName): Promise<void> {
  const { traffic } = stage;
  if (name.startsWith('store.cancel')) await traffic.disturb('cancel');
  if (name.startsWith('store.hold')) await traffic.disturb('pause');
  if (name.startsWith('store.requeue')) await takeSlots(stage);
}

/** Takes all slots of a worker behind the coordinator's back: what it sends there next comes back. */
async function takeSlots({ site, random }: Stage): Promise<void> {
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

/** Kills something at random, or asks for something in between. */
export async function strike(stage: Stage): Promise<void> {
  const { site, random, traffic, killed, kills } = stage;
  const what = random.pick([
    'coordinator',
    'worker',
    'worker',
    'engine',
    'engine',
    'bridge',
    'cancel',
    'pause',
  ]);
  if (what === 'coordinator' || what === 'worker') {
    const name = what === 'worker' ? `local-${String(1 + random.int(4))}` : what;
    const pid = pidOf(site, name);
    if (pid !== undefined) killHard(pid);
  } else if (what === 'engine') {
    const command = random.pick(runningCommands(site));
    if (command === undefined) return;
    killed.add(command.id);
    killHard(command.pid);
    kills.engine += 1;
  } else if (what === 'bridge') {
    random.pick(traffic.clients)?.kill();
    kills.bridge += 1;
  } else if (what === 'cancel' || what === 'pause') {
    await traffic.disturb(what);
  }
}

/** Kills a worker and cuts the ends off the files it was writing, before its successor reads them. */
export function killAndCut({ site, random }: Stage): void {
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
