import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fleetServer } from '../../coordinator/server.ts';
import { serveHttp } from '../../mcp/serve-http.ts';
import { serveSocket } from '../../mcp/serve-socket.ts';
import { secretVerifier } from '../../mcp/verifier.ts';
import { fleetContracts } from '../../schemas/tools.ts';
import { fuzzHttp } from '../../scripts/fuzz/fuzz-http.ts';
import { fuzzSocket } from '../../scripts/fuzz/fuzz-socket.ts';
import { allUp, fakeFleet } from '../coordinator/fake-fleet.ts';

it('answers whatever it is sent, shows no stack, and lets no socket hang', async () => {
  const fleet = await fakeFleet({ slots: [2] });
  await allUp(fleet);
  const deps = Promise.resolve({ ...fleet.parts, isStopping: () => false });
  const { factory } = fleetServer(deps, () => undefined, fleet.parts.log);
  const secret = 'the secret of who sends nonsense';
  const service = await serveHttp(factory, { port: 0, verify: secretVerifier(secret) });
  onTestFinished(() => service.close());
  const path = join(fleet.folder, 'fuzz.sock');
  const socket = await serveSocket(factory, path, {});
  onTestFinished(() => socket.close());
  const limits = { requests: 400, ms: 4_000 };
  const report = await fuzzHttp({
    port: service.port,
    secret,
    contracts: fleetContracts,
    seed: 7,
    ...limits,
  });
  expect(report.problems).toEqual([]);
  expect(report.answers['200']).toBeGreaterThan(10);
  const told = await fuzzSocket({ path, contracts: fleetContracts, seed: 7, ...limits });
  expect([told.problems, told.answers]).toEqual([[], { answered: expect.any(Number) }]);
}, 30_000);
