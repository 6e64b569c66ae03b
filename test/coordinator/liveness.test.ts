import { expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { buildManifest } from '../../coordinator/manifest/build-manifest.ts';
import { manifest } from '../../schemas/manifest.ts';
import { allUp, fakeFleet } from './fake-fleet.ts';

it('how long a run has been silent is in its snapshot while it runs, and when it last spoke in its manifest', async () => {
  const fleet = await fakeFleet({ slots: [1] });
  await allUp(fleet);
  const [id = ''] = await fleet.start(1);
  await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
  const [worker] = fleet.workers;
  const told = worker?.byKey(attemptKey(id, 1));
  const poll = async () => (await fleet.tools.poll_run({ run_ids: [id] }, fleet.call)).runs[0];
  const spoke = { last_event_at: fleet.clock.nowMs - 3_000, last_output_at: fleet.clock.nowMs - 4_000 };
  worker?.tell(told, { liveness: spoke });
  await fleet.until(id, (run) => run.attempts[0]?.liveness !== undefined);
  expect(await poll()).toMatchObject({ silent_ms: 3_000 });
  expect(await poll()).not.toHaveProperty('stalled');
  const stalled = { ...spoke, stalled_at: fleet.clock.nowMs };
  worker?.tell(told, { liveness: stalled });
  await fleet.until(id, (run) => run.attempts[0]?.liveness?.stalled_at !== undefined);
  expect(await poll()).toMatchObject({ status: 'running', silent_ms: 3_000, stalled: true });
  worker?.complete(told);
  expect(await fleet.ended(id)).toMatchObject({ status: 'completed' });
  expect(await poll()).not.toHaveProperty('silent_ms');
  expect(
    manifest.parse(buildManifest(await fleet.run(id), 1_000, { mode: 'off' })).attempts[0]?.liveness,
  ).toEqual(stalled);
});
