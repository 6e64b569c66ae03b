import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { config as configSchema } from '../../../schemas/config.ts';
import { descriptorClaims } from '../../../schemas/descriptor.ts';
import { limitLayers, type RunLimits } from '../../../schemas/limits.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import {
  cgroupTables,
  controllerNames,
  findControllers,
  type Controllers,
} from '../../../servers/worker/limits/controllers.ts';
import { createLimits } from '../../../servers/worker/limits/limits.ts';
import { readAllProcesses } from '../../../servers/worker/runner/process-table.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import type { ProcessEnd } from '../../../servers/worker/runner/process.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { path } from '../runner/support.ts';
import { openTestWorker } from '../support/test-worker.ts';

const pipeline = pipelineSchema.parse({ stages: [{ name: 'go', engine: 'command', argv: ['/bin/true'] }] });
const none: Controllers = new Map();
const refused = { code: 'SANDBOX_UNAVAILABLE' };

async function open(reaping: 'auto' | 'best_effort', controllers?: Controllers) {
  const dir = scratchFolder();
  const { layer } = await probeReaping({ config: { reaping }, path, stateDir: dir });
  const limits = createLimits({ layer, dir, ...(controllers !== undefined && { controllers }) });
  onTestFinished(async () => {
    await limits.close();
    await layer.close();
  });
  const run = async (asked: RunLimits, script: string, program = '/bin/sh') => {
    const config = configSchema.parse({ limits: { allow_degraded: limitLayers } });
    const told: { notes: unknown[]; reached: string[]; out: string } = { notes: [], reached: [], out: '' };
    const bounded = { config, pipeline, spec: { limits: asked } };
    await limits.check(bounded);
    const held = limits.hold({
      ...bounded,
      report: (report) => told.notes.push(report),
      onReached: (which) => told.reached.push(which),
    });
    const start = createStartProcess(layer);
    const process = (held?.around(start) ?? start)(
      {
        argv: [program, ...(program === '/bin/sh' ? ['-c', script] : [script])],
        cwd: dir,
        env: { PATH: path },
        stdin: 'ignore',
        tmpDir: dir,
      },
      { stdout: (chunk) => (told.out += chunk.toString()), stderr: () => undefined },
    );
    const end: ProcessEnd = await process.ended;
    await held?.close();
    return { ...told, end };
  };
  return { limits, run };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

describe('where no cgroup can be made', () => {
  it('refuses each limit only a cgroup enforces, with a fix', async () => {
    const { limits } = await open('auto', none);
    const states = await limits.prove();
    expect(Object.fromEntries(states.map(({ layer, state }) => [layer, state]))).toEqual({
      memory: 'degraded',
      cpu: 'degraded',
      cpu_rate: 'missing',
      processes: 'degraded',
      disk: 'degraded',
      files: 'enforced',
    });
    const config = configSchema.parse({});
    for (const asked of [{ memory_bytes: 2 ** 24 }, { cpu_ms: 100 }, { cpu_cores: 1 }, { processes: 4 }]) {
      const check = limits.check({ config, pipeline, spec: { limits: asked } });
      await expect(check).rejects.toMatchObject({
        ...refused,
        next: expect.stringContaining('allow_degraded'),
      });
    }
    await limits.check({ config, pipeline, spec: { limits: { open_files: 64 } } });
  });

  it.each([
    [
      'memory',
      { memory_bytes: 2 ** 24 },
      'x=$(head -c 50331648 /dev/zero | tr "\\0" x); sleep 5; echo "${#x}"',
    ],
    ['cpu', { cpu_ms: 200 }, 'i=0; while [ $i -lt 9000000 ]; do i=$((i + 1)); done'],
    ['processes', { processes: 6 }, 'n=0; while [ $n -lt 20 ]; do sleep 5 & n=$((n + 1)); done; wait'],
  ] as const)('still ends what is seen beyond its limit of %s, by leave', async (which, asked, script) => {
    const { run } = await open('auto', none);
    const { reached, notes, end } = await run(asked, script);
    expect(reached).toEqual([which]);
    expect(end).toEqual({ kind: 'signal', signal: 'SIGKILL' });
    expect(notes).toEqual([
      { kind: 'note', text: expect.stringContaining(`${which} degraded`) },
      { kind: 'degraded', layers: [which] },
    ]);
  });

  it('lets what stays within its limits be, under a process group as well', async () => {
    const { run } = await open('best_effort', none);
    const asked = { memory_bytes: 2 ** 26, cpu_ms: 5_000, processes: 8, cpu_cores: 0.5, open_files: 64 };
    const { reached, end } = await run(asked, 'sleep 0.3; exit 3');
    expect({ reached, end }).toEqual({ reached: [], end: { kind: 'exit', code: 3 } });
  });
});

describe('where cgroups are there and refused', () => {
  it('says so, holds what needs none, and refuses the rest', async () => {
    // No process may make a folder there.
    const parent = '/proc/self/fdinfo';
    const closed: Controllers = new Map(controllerNames.map((name) => [name, { version: 1, parent }]));
    const { limits, run } = await open('auto', closed);
    const states = new Map((await limits.prove()).map((state) => [state.layer, state]));
    expect(states.get('memory')).toMatchObject({ state: 'degraded', why: expect.stringContaining('cgroup') });
    expect(states.get('cpu_rate')?.state).toBe('missing');
    expect(states.get('disk')?.state).toBe('degraded');
    expect(states.get('files')).toEqual({ layer: 'files', state: 'enforced' });
    expect((await run({ open_files: 40 }, 'ulimit -n')).out).toBe('40\n');
  });
});

describe('where there is cgroup v2 alone', () => {
  it('takes from it what it hands on', async () => {
    const tables = cgroupTables();
    const mounts = tables.mounts.split('\n').filter((line) => line.includes(' - cgroup2 '));
    const controllers = findControllers({ ...tables, mounts: mounts.join('\n') });
    const { limits } = await open('auto', controllers);
    const states = new Map((await limits.prove()).map((state) => [state.layer, state]));
    const mayMake = process.getuid?.() === 0 && controllers.has('cpuacct');
    expect(states.get('cpu')?.state).toBe(mayMake ? 'enforced' : 'degraded');
    if (!controllers.has('memory')) expect(states.get('memory')?.why).toContain('no cgroup with memory');
  });
});

describe('what holds a process', () => {
  it.each(['auto', 'best_effort'] as const)('adds nothing to what it sees, reaped by %s', async (reaping) => {
    const { run } = await open(reaping);
    const asked = { open_files: 40, processes: 8, memory_bytes: 2 ** 26 };
    expect(await run(asked, '--', '/usr/bin/env')).toMatchObject({ out: `PATH=${path}\n`, reached: [] });
    expect(await run(asked, 'ulimit -n; ulimit -f')).toMatchObject({ out: '40\nunlimited\n' });
    expect((await run(asked, 'go', '/nowhere')).end).toEqual({ kind: 'spawn', errno: 'ENOENT' });
  });

  it('ends with it what left its process group, where there is a cgroup', async () => {
    const { run, limits } = await open('best_effort');
    const mark = String(700_000 + process.pid);
    const { end } = await run({ processes: 20 }, `setsid sleep ${mark} > /dev/null 2>&1 & exit 0`);
    expect(end).toEqual({ kind: 'exit', code: 0 });
    const isHeld = limits.known()?.find(({ layer }) => layer === 'processes')?.state === 'enforced';
    const left = readAllProcesses().filter(({ pid }) => commandOf(pid).includes(mark));
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    expect(left.length).toBe(isHeld ? 0 : 1);
  });

  it('is not there for a run without limits', async () => {
    const { limits } = await open('auto');
    const bounded = { config: configSchema.parse({}), pipeline, spec: {} };
    await limits.check(bounded);
    expect(limits.known()).toBeUndefined();
    const told = { report: () => undefined, onReached: () => undefined };
    expect(limits.hold({ ...bounded, ...told })).toBeUndefined();
  });
});

describe('a worker', () => {
  it('refuses at once a run with a limit nobody enforces, or out of range', async () => {
    const worker = await openTestWorker({ config: { limits: { open_files: 4_096 } } });
    const peer = await worker.connect();
    const ask = (limits: RunLimits) => peer.call('start_run', { pipeline: 'tell', cwd: worker.dir, limits });
    await expect(ask({ disk_bytes: 5_000 })).rejects.toMatchObject(refused);
    await expect(ask({ disk_bytes: 1 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('limits.disk_bytes'),
    });
    expect((await peer.call('describe_worker', {})).limits?.map(({ layer }) => layer)).toEqual([
      ...limitLayers,
    ]);
    const asked = { audience: 'a'.repeat(43), nonce: 'n'.repeat(43), revocation_epoch: 0 };
    const { payload } = await worker.signer['codex-fleet/descriptor'](asked);
    const claims = descriptorClaims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
    expect(claims.limits).toMatchObject({ open_files: 4_096 });
    expect(claims.sandbox).toEqual(expect.arrayContaining(['best_effort', 'limit files']));
    expect(claims.sandbox).not.toContain('limit disk');
    await worker.stop('cancel');
  });
});
