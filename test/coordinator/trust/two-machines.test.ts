import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { connect, type Peer } from '../../../mcp/client.ts';
import { fleetPaths } from '../../../platform/paths.ts';
import { fleetContracts, type FleetContracts } from '../../../schemas/tools.ts';
import { createFleet } from '../../helpers/fleet.ts';
import { eventually, newMarker, processesWith } from '../../helpers/processes.ts';
import { remoteWorker } from '../../helpers/remote-worker.ts';

const script = join(
  dirname(fileURLToPath(import.meta.url)),
  '..',
  '..',
  'fixtures',
  'bin',
  'print-lines.mjs',
);
const lines = 3_000;

/** A fleet whose only worker is reached by https, each side with what `codex-fleet certs` has made for it. */
async function twoMachines() {
  const remote = await remoteWorker('gpu');
  const fleet = await createFleet({
    workers: { count: 0 },
    commands: [{ argv: [process.execPath, '...'], trust_arguments: true }, { argv: ['/bin/sleep', '...'] }],
    pipelines: {
      print: {
        read_only: true,
        stages: [
          { name: 'print', engine: 'command', argv: [process.execPath, script, String(lines), 'one', '0'] },
        ],
      },
      sleep: {
        read_only: true,
        inputs: { for: { type: 'string', required: true } },
        stages: [{ name: 'sleep', engine: 'command', argv: ['/bin/sleep', '${inputs.for}'] }],
      },
    },
  });
  onTestFinished(() => fleet.close());
  const certs = async (...args: string[]): Promise<{ server: string; client: string }> =>
    JSON.parse((await fleet.cli('certs', 'gpu', '--json', ...args)).stdout);
  const made = await certs('--host', 'localhost');
  // As one copies it to the other machine.
  const [there, here] = [join(fleet.stateDir, '..', 'gpu-server'), join(fleet.stateDir, '..', 'gpu-client')];
  cpSync(made.server, there, { recursive: true });
  cpSync(made.client, here, { recursive: true });
  const url = remote.entry.url.replace('http://127.0.0.1', 'https://localhost');
  const configFile = fleet.env['CODEX_FLEET_CONFIG'] ?? '';
  const begun: object = JSON.parse(readFileSync(configFile, 'utf8'));
  const remote_workers = { gpu: { ...remote.entry, url, tls: here } };
  writeFileSync(configFile, JSON.stringify({ ...begun, remote_workers }));
  const far = remote.on(fleet, ['--host', '127.0.0.1', '--tls', there]);
  onTestFinished(() => far.kill());
  await far.start();
  const { code, stderr } = await fleet.cli('up');
  if (code !== 0) throw new Error(stderr);
  const paths = fleetPaths(fleet.env);
  const peer = await connect(fleetContracts, { socket: paths.coordinatorSocket });
  onTestFinished(() => peer.close());
  return { fleet, paths, peer, far, there, here, certs };
}

async function begin(
  peer: Peer<FleetContracts>,
  cwd: string,
  pipeline: string,
  inputs = {},
): Promise<string> {
  const { runs } = await peer.call('start_run', { pipeline, cwd, runs: [{ inputs }] });
  return runs[0]?.run_id ?? '';
}

/** Polls until the run stands so. */
async function until(peer: Peer<FleetContracts>, run: string, ...statuses: string[]) {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { runs } = await peer.call('poll_run', { run_ids: [run], wait_ms: 500, until: 'change' });
    const [one] = runs;
    if (one !== undefined && statuses.includes(one.status)) return one;
    if (performance.now() > deadline) throw new Error(`${run} is ${JSON.stringify(one)}`);
  }
}

it('runs, reads, copies and cancels over mutual TLS, until the worker or its client is let in no more', async () => {
  const { fleet, paths, peer, far, there, here, certs } = await twoMachines();
  const untilWorker = async (...states: string[]): Promise<void> => {
    const from = performance.now();
    for (let state = ''; !states.includes(state);) {
      state =
        (await peer.call('list_workers', {})).workers.find((one) => one.worker_id === 'gpu')?.state ?? '';
      if (performance.now() - from > 10_000) throw new Error(`gpu is ${state}`);
    }
  };
  const read = (id: string, from: number) =>
    peer.call('read_handle', { handle_id: id, mode: 'lines', from, count: 20 });

  // A run, and its output by pages, which come from there.
  const printed = await until(peer, await begin(peer, fleet.work, 'print'), 'completed');
  expect(printed.worker).toBe('gpu');
  const id = printed.handles?.find(({ stream }) => stream === 'stdout')?.handle_id ?? '';
  const [first, last] = [await read(id, 1), await read(id, lines - 19)];
  expect([first.text, last.text]).toEqual([
    expect.stringMatching(/\b1\b/),
    expect.stringContaining(String(lines)),
  ]);
  await eventually(() => existsSync(join(paths.replicaDir, id)), 5_000);

  // One that is cancelled ends there.
  const cancelled = newMarker();
  const sleeping = await begin(peer, fleet.work, 'sleep', { for: cancelled });
  await eventually(() => processesWith(cancelled).length > 0);
  await peer.call('cancel_run', { run_ids: [sleeping] });
  await until(peer, sleeping, 'cancelled');
  await eventually(() => processesWith(cancelled).length === 0);

  // The client's certificate is revoked under a run: nothing new goes there, and the run is taken up again.
  const marker = newMarker();
  const running = await begin(peer, fleet.work, 'sleep', { for: marker });
  await eventually(() => processesWith(marker).length > 0);
  const [pid] = processesWith(marker);
  const renewed = await certs('--replace');
  cpSync(renewed.server, there, { recursive: true });
  const waiting = await begin(peer, fleet.work, 'print');
  await untilWorker('down');
  expect((await until(peer, waiting, 'pending', 'completed')).status).toBe('pending');
  cpSync(renewed.client, here, { recursive: true });
  await until(peer, waiting, 'completed');
  expect(processesWith(marker)).toContain(pid);

  // The worker is revoked under it: it is ended there, and nothing new goes there.
  expect((await fleet.cli('trust', 'revoke', 'gpu')).code).toBe(0);
  const from = performance.now();
  await until(peer, running, 'cancelled');
  expect(performance.now() - from).toBeLessThan(5_000);
  await eventually(() => processesWith(marker).length === 0);
  const after = await begin(peer, fleet.work, 'print');
  expect((await until(peer, after, 'pending', 'running', 'completed')).status).toBe('pending');

  // What it printed is read from the copy once it is gone.
  await far.kill();
  rmSync(far.stateDir, { recursive: true, force: true });
  expect(await read(id, lines - 19)).toEqual(last);
}, 40_000);
