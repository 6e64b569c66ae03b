import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, type Peer } from '../../mcp/client.ts';
import { projectFileName } from '../../platform/project-config.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { keptManifest } from '../helpers/manifests.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

let real: RealFleet;
let peer: Peer<FleetContracts>;
let app: string;

async function open(env: Record<string, string> = {}, config: Record<string, unknown> = {}): Promise<void> {
  real = await realFleet(config, env);
  onTestFinished(() => real.close());
  app = join(real.fleet.work, 'app');
  mkdirSync(join(app, 'deep'), { recursive: true });
  peer = await real.up();
}

function project(content: unknown): void {
  writeFileSync(join(app, projectFileName), typeof content === 'string' ? content : JSON.stringify(content));
}

async function run(pipeline: string, more: Record<string, unknown> = {}): Promise<RunSnapshot | undefined> {
  const { task_id } = await peer.call('start_run', { pipeline, cwd: join(app, 'deep'), ...more });
  const [ended] = await pollToEnd(peer, task_id);
  return ended;
}

async function stdoutOf(ended: RunSnapshot | undefined): Promise<string> {
  const handle = ended?.handles?.find(({ stream }) => stream === 'stdout')?.handle_id ?? '';
  return (await peer.call('read_handle', { handle_id: handle })).text;
}

function notesOf(ended: RunSnapshot | undefined): string[] {
  const { attempts = [] } = keptManifest(real.paths, ended?.run_id ?? '') ?? {};
  return attempts.flatMap(({ notes }) => notes);
}

const printing = { stages: [{ name: 's', engine: 'command', argv: ['/usr/bin/printenv'] }] };
const widen = {
  commands: [{ argv: ['/usr/bin/printenv'] }],
  pipelines: { own: printing },
  env: ['PROJECT_FLAG'],
};

describe('a project that narrows', () => {
  it('bounds every run in it at once, whatever the run asks for', { timeout: 60_000 }, async () => {
    await open(
      {},
      {
        pipelines: {
          stay: {
            stages: [
              { name: 's', engine: 'command', argv: [process.execPath, '-e', 'setInterval(() => {}, 1e6)'] },
            ],
          },
          print: {
            stages: [
              {
                name: 's',
                engine: 'command',
                argv: [process.execPath, '-e', 'console.log("x".repeat(1e6))'],
              },
            ],
          },
        },
      },
    );
    project({ limits: { wall_ms: 300, output_bytes: 4096 } });
    const late = await run('stay', { wall_ms: 60_000 });
    expect(late).toMatchObject({ status: 'failed', outcome: 'timeout' });
    expect(notesOf(late)).toContain('wall_ms is 300, the bound here; 60000 was asked for.');
    const long = await run('print', { output_bytes: 1e6, wall_ms: 300 });
    expect(long).toMatchObject({ status: 'failed', outcome: 'limit output' });
    expect(long?.handles?.[0]?.bytes).toBe(4096);
    const elsewhere = await peer.call('start_run', {
      pipeline: 'print',
      cwd: real.fleet.work,
      task_id: 'out',
    });
    expect(elsewhere.runs).toHaveLength(1);
    expect(await pollToEnd(peer, 'out')).toMatchObject([{ status: 'completed' }]);
  });

  it('leaves out pipelines, and a broken file is no way round it', { timeout: 60_000 }, async () => {
    await open();
    project({ only_pipelines: ['wait'] });
    await expect(run('echo')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('echo'),
    });
    symlinkSync(app, join(real.fleet.work, 'link'));
    await expect(run('echo', { cwd: join(real.fleet.work, 'link', 'deep') })).rejects.toThrow('"echo"');
    project('{ "only_pipelines": ');
    await expect(run('echo')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(projectFileName),
    });
    project({ limits: { wall_ms: 1e9 } });
    expect(await run('echo')).toMatchObject({ status: 'completed' });
  });
});

describe('a project that widens', () => {
  it('counts once it is trusted, and as long as it stays as it was', { timeout: 90_000 }, async () => {
    await open({ PROJECT_FLAG: 'waved' });
    project({ widen });
    await expect(run('own')).rejects.toMatchObject({ code: 'INVALID_INPUT' });

    const trust = await real.fleet.cli('trust', app);
    expect(trust).toMatchObject({ code: 0, stderr: '' });
    expect(await stdoutOf(await run('own'))).toContain('CODEX_FLEET_DEPTH=1');
    const outside = { pipeline: 'own', cwd: real.fleet.work };
    await expect(peer.call('start_run', outside)).rejects.toMatchObject({ code: 'INVALID_INPUT' });

    project({ widen: { ...widen, commands: [] } });
    await expect(run('own')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('brings its variables from the next start of the fleet on', { timeout: 90_000 }, async () => {
    await open({ PROJECT_FLAG: 'waved' });
    project({ widen });
    await real.fleet.cli('trust', app);
    await real.fleet.cli('down');
    await real.fleet.cli('up');
    peer = await connect(fleetContracts, { socket: real.paths.coordinatorSocket });
    onTestFinished(() => peer.close());
    expect(await stdoutOf(await run('own'))).toContain('PROJECT_FLAG=waved\n');
  });
});
