import { expect, it } from 'vitest';
import { holderOf } from '../../../coordinator/reading/holder.ts';
import { FleetError } from '../../../core/errors.ts';
import { createTelemetry } from '../../../platform/telemetry.ts';
import { config as configSchema } from '../../../schemas/config.ts';
import { handleOf } from '../../helpers/runs.ts';

it('says of what still grew on a worker that is gone how much there was, and where it is', async () => {
  const away = () => Promise.reject(new FleetError('WORKER_UNAVAILABLE', 'It is away.'));
  const deps = {
    fleet: { get: () => undefined, reach: away },
    replicas: { has: () => false },
    copies: { read: away },
    config: configSchema.parse({
      remote_workers: { far: { url: 'http://127.0.0.1:1/mcp', secret: { env: 'NONE' } } },
    }),
    telemetry: await createTelemetry({}),
  };
  const handle = { ...handleOf({ state: 'open', bytes: 70, lines: 3 }), worker_id: 'far' };
  await expect(holderOf(deps, { handle })).rejects.toMatchObject({
    code: 'WORKER_UNAVAILABLE',
    message: expect.stringContaining('still being written (70 bytes in 3 lines when it was last heard of)'),
    next: expect.stringContaining('poll_run shows what was sampled'),
  });
});
