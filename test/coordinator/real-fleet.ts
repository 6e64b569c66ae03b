import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { recordedProcesses, type RecordedProcess } from '../../cli/fleet/process-record.ts';
import { connect, type Peer } from '../../mcp/client.ts';
import { fleetPaths, type FleetPaths } from '../../platform/paths.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { createFleet, type TestFleet } from '../helpers/fleet.ts';

const fixtures = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'bin');

/** A fleet of real processes with pipelines a test can steer. */
export interface RealFleet {
  fleet: TestFleet;
  paths: FleetPaths;
  /** Starts the coordinator where none runs, connects, and waits for the workers. */
  up(): Promise<Peer<FleetContracts>>;
  processes(): RecordedProcess[];
  close(): Promise<void>;
}

const waitInputs = { counter: { type: 'string', required: true }, gate: { type: 'string', required: true } };

const waitStage = {
  name: 'wait',
  engine: 'command',
  argv: [process.execPath, join(fixtures, 'count-and-wait.mjs'), '${inputs.counter}', '${inputs.gate}'],
};

export async function realFleet(
  config: Record<string, unknown> & { workers?: { count: number; slots: number } } = {},
  env: Record<string, string> = {},
): Promise<RealFleet> {
  const settings = {
    workers: { count: 2, slots: 2 },
    commands: [{ argv: [process.execPath, '...'], trust_arguments: true }, { argv: ['/bin/echo', '...'] }],
    pipelines: {
      echo: {
        read_only: true,
        inputs: { text: { type: 'string', default: 'hello' } },
        stages: [{ name: 'echo', engine: 'command', argv: ['/bin/echo', '${inputs.text}'] }],
      },
      wait: { read_only: true, inputs: waitInputs, stages: [waitStage] },
      change: { inputs: waitInputs, stages: [waitStage] },
      forbidden: { stages: [{ name: 'id', engine: 'command', argv: ['/usr/bin/id'] }] },
    },
    ...config,
  };
  const fleet = await createFleet(settings, env);
  const paths = fleetPaths(fleet.env);
  const peers: Peer<FleetContracts>[] = [];
  return {
    fleet,
    paths,
    async up() {
      const { code, stderr } = await fleet.cli('up');
      if (code !== 0) throw new Error(stderr);
      const peer = await connect(fleetContracts, { socket: paths.coordinatorSocket });
      peers.push(peer);
      await expect
        .poll(async () => (await peer.call('list_workers', {})).workers.map(({ state }) => state), {
          timeout: 15_000,
        })
        .toEqual(Array.from({ length: settings.workers.count }, () => 'up'));
      return peer;
    },
    processes: () => recordedProcesses(paths).filter(({ running }) => running),
    async close() {
      await Promise.all(peers.map((peer) => peer.close()));
      await fleet.close();
    },
  };
}

/** Polls until every run of a task has ended; the last state of each. */
export async function pollToEnd(peer: Peer<FleetContracts>, taskId: string): Promise<RunSnapshot[]> {
  const seen = new Map<string, RunSnapshot>();
  let cursor = '0';
  for (;;) {
    const reply = await peer.call('poll_run', { task_id: taskId, cursor, wait_ms: 10_000, until: 'all' });
    for (const run of reply.runs) seen.set(run.run_id, run);
    cursor = reply.cursor;
    if (reply.open === 0 && !reply.more) return [...seen.values()];
  }
}
