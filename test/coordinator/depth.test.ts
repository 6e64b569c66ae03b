import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunSnapshot } from '../../schemas/run.ts';
import { BridgeClient, program } from '../cli/bridge-client.ts';
import { keptManifest } from '../helpers/manifests.ts';
import { fakeFleet } from './fake-fleet.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

/** A command that hands off in turn, `levels` deep, to the fleet that runs it. */
function nested(maxDepth: number): Record<string, unknown> {
  const again = ['run', '--json', '--pipeline'];
  const stage = (argv: string[]): object => ({
    read_only: true,
    stages: [{ name: 's', engine: 'command', argv }],
  });
  return {
    max_depth: maxDepth,
    env: ['CODEX_FLEET_STATE_DIR', 'CODEX_FLEET_CONFIG'],
    pipelines: {
      depth: stage([process.execPath, '-p', 'process.env.CODEX_FLEET_DEPTH']),
      once: stage([process.execPath, program, ...again, 'depth']),
      twice: stage([process.execPath, program, ...again, 'once']),
    },
  };
}

let real: RealFleet;

function stdoutOf(run: RunSnapshot | undefined): string {
  return run?.handles?.find(({ stream }) => stream === 'stdout')?.handle_id ?? '';
}

async function open(config: Record<string, unknown> = {}): Promise<void> {
  real = await realFleet(config);
  onTestFinished(() => real.close());
}

describe('a run that starts runs', () => {
  it('is refused unless the configuration says otherwise', { timeout: 60_000 }, async () => {
    await open(nested(1));
    const peer = await real.up();
    await peer.call('start_run', { pipeline: 'once', cwd: real.fleet.work, task_id: 'outer' });
    const [run] = await pollToEnd(peer, 'outer');
    expect(run).toMatchObject({ status: 'failed', outcome: 'exit 1' });
    expect(run?.preview).toContain('TOO_DEEP');
    expect(run?.preview).toContain('max_depth');

    await peer.call('start_run', { pipeline: 'depth', cwd: real.fleet.work, task_id: 'flat' });
    const [flat] = await pollToEnd(peer, 'flat');
    const page = await peer.call('read_handle', { handle_id: stdoutOf(flat) });
    expect(page.text).toBe('1\n');
    expect(keptManifest(real.paths, flat?.run_id ?? '')?.spec.depth).toBe(0);
  });

  it('may do so as deep as it says, and counts', { timeout: 90_000 }, async () => {
    await open(nested(2));
    const peer = await real.up();
    await peer.call('start_run', { pipeline: 'once', cwd: real.fleet.work, task_id: 'outer' });
    const [run] = await pollToEnd(peer, 'outer');
    expect(run, JSON.stringify(run)).toMatchObject({ status: 'completed' });
    const page = await peer.call('read_handle', { handle_id: stdoutOf(run) });
    const { runs } = JSON.parse(page.text);
    const told = await peer.call('read_handle', { handle_id: stdoutOf(runs[0]) });
    expect(told.text).toBe('2\n');

    await peer.call('start_run', { pipeline: 'twice', cwd: real.fleet.work, task_id: 'deeper' });
    const [deeper] = await pollToEnd(peer, 'deeper');
    expect(deeper?.status).toBe('failed');
  });

  it('is known behind a bridge of its own, too', { timeout: 60_000 }, async () => {
    await open();
    await real.up();
    const client = new BridgeClient(real.fleet.stateDir, {
      cwd: real.fleet.work,
      env: { ...real.fleet.env, CODEX_FLEET_DEPTH: '1' },
    });
    await client.initialize();
    const forged = { 'codex-fleet/call': { depth: 0 } };
    const params = { name: 'start_run', arguments: { pipeline: 'echo' }, _meta: forged };
    const answer = JSON.stringify(await client.request(1, 'tools/call', params));
    await client.end();
    expect(answer).toContain('TOO_DEEP');
  });
});

describe('a call that does not say where it comes from', () => {
  it('comes from as deep as the coordinator', async () => {
    const fleet = await fakeFleet({ env: { CODEX_FLEET_DEPTH: '1' } });
    await expect(fleet.start(1)).rejects.toMatchObject({ code: 'TOO_DEEP', retryable: false });
    const { tools, call, folder } = fleet;
    const started = await tools.start_run({ pipeline: 'work', cwd: folder }, { ...call, depth: 0 });
    expect((await fleet.run(started.runs[0]?.run_id ?? '')).spec.depth).toBe(0);
  });
});
