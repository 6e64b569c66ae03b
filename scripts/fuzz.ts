import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { onHost } from './fuzz/far-worker.ts';
import { createFleet } from '../test/helpers/fleet.ts';
import { fleetContracts, workerContracts } from '../schemas/tools.ts';
import { fuzzHttp } from './fuzz/fuzz-http.ts';
import { fuzzSocket } from './fuzz/fuzz-socket.ts';

/**
 * `npm run fuzz -- --seed N --minutes M`: a real fleet with a worker, and a worker reached by a URL, are sent
 * what no client would, wherever they listen: both URLs and the Unix sockets, all at the same time.
 */
const { values } = parseArgs({ options: { seed: { type: 'string' }, minutes: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const minutes = Number(values.minutes ?? 10);

const fleet = await createFleet({ workers: { count: 1, slots: 2 } });
const far = await onHost(fleet);
let failed = false;
try {
  const { code, stderr } = await fleet.cli('up');
  if (code !== 0) throw new Error(stderr);
  const pid = await fleet.coordinatorPid();
  const port = Number(readFileSync(join(fleet.stateDir, 'http-port'), 'utf8'));
  const secret = await fleet.secret();
  const limits = { seed, requests: Infinity, ms: minutes * 60_000 };
  const sockets = (): string[] => readdirSync(fleet.stateDir).filter((name) => name.endsWith('.sock'));
  const socketOf = async (prefix: string): Promise<string> => {
    for (;;) {
      const name = sockets().find((one) => one.startsWith(prefix));
      if (name !== undefined) return join(fleet.stateDir, name);
      await delay(50);
    }
  };
  const [path, workerPath] = [await socketOf('fleet'), await socketOf('w-')];
  const [url, workerUrl, socket, workerSocket] = await Promise.all([
    fuzzHttp({ port, secret, contracts: fleetContracts, ...limits }),
    fuzzHttp({ port: far.port, secret: far.secret, contracts: workerContracts, ...limits }),
    fuzzSocket({ path, contracts: fleetContracts, ...limits }),
    fuzzSocket({ path: workerPath, contracts: workerContracts, ...limits }),
  ]);
  const ended: string[] = [];
  if ((await fleet.coordinatorPid()) !== pid) ended.push('the coordinator is another than before');
  if (far.hasEnded()) ended.push('the worker elsewhere has ended');
  const parts = { url, workerUrl, socket, workerSocket };
  process.stdout.write(`${JSON.stringify({ seed, minutes, ...parts, ended }, undefined, 2)}\n`);
  failed = ended.length > 0 || Object.values(parts).some(({ problems }) => problems.length > 0);
} finally {
  await far.close();
  await fleet.close();
}
process.exitCode = failed ? 1 : 0;
