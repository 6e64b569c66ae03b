import { expect, it } from 'vitest';
import { createCredentials } from '../../coordinator/fleet/credentials.ts';
import { config } from '../../schemas/config.ts';
import { credentialsParams } from '../../schemas/credentials.ts';
import { FakeWorker } from './fake-worker.ts';

/** A link that notes what it is told. */
async function listener(id: string) {
  const told: Record<string, string> = {};
  const link = await new FakeWorker(id, 1).connect();
  const notify = (_method: string, params: object): Promise<void> => {
    Object.assign(told, credentialsParams.parse(params).values);
    return Promise.resolve();
  };
  return { told, link: { ...link, notify } };
}

it('gives each worker the credentials that are for it, and no other', async () => {
  const { credentials: configured } = config.parse({
    credentials: {
      FIRST: { env: 'A', workers: ['local-1'] },
      NOBODY: { env: 'B', workers: [] },
      ALL: { file: '/x' },
    },
  });
  const [one, two, later] = await Promise.all(['local-1', 'local-2', 'local-1'].map(listener));
  if (one === undefined || two === undefined || later === undefined) throw new Error('no link');
  const credentials = createCredentials(configured, () => [
    ['local-1', one.link],
    ['local-2', two.link],
  ]);
  credentials.receive({ values: { FIRST: 'f', NOBODY: 'n', ALL: 'a', UNKNOWN: 'u' } });
  expect([one.told, two.told]).toEqual([
    { FIRST: 'f', ALL: 'a', UNKNOWN: 'u' },
    { ALL: 'a', UNKNOWN: 'u' },
  ]);
  await credentials.forward('local-1', later.link);
  expect(later.told).toEqual(one.told);
});
