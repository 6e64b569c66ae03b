import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createFleet } from '../test/helpers/fleet.ts';
import { fleetContracts } from '../schemas/tools.ts';
import { fuzzHttp } from './fuzz/fuzz-http.ts';

/** `npm run fuzz -- --seed N --minutes M`: a real fleet, with a worker, whose URL is sent what no client would. */
const { values } = parseArgs({ options: { seed: { type: 'string' }, minutes: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const minutes = Number(values.minutes ?? 10);

const fleet = await createFleet({ workers: { count: 1, slots: 2 } });
let failed = false;
try {
  const { code, stderr } = await fleet.cli('up');
  if (code !== 0) throw new Error(stderr);
  const pid = await fleet.coordinatorPid();
  const port = Number(readFileSync(join(fleet.stateDir, 'http-port'), 'utf8'));
  const secret = await fleet.secret();
  const limits = { requests: Infinity, ms: minutes * 60_000 };
  const report = await fuzzHttp({ port, secret, contracts: fleetContracts, seed, ...limits });
  if ((await fleet.coordinatorPid()) !== pid) report.problems.push('the coordinator is another than before');
  process.stdout.write(`${JSON.stringify({ seed, minutes, ...report }, undefined, 2)}\n`);
  failed = report.problems.length > 0;
} finally {
  await fleet.close();
}
process.exitCode = failed ? 1 : 0;
