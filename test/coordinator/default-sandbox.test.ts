import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pollToEnd, realFleet } from './real-fleet.ts';

/** Prints the names of what it got at. */
const wanderer = `
const { readFileSync, writeFileSync } = require('node:fs');
const [, home, outside] = process.argv;
const got = (name, work) => { try { work(); console.log('got ' + name); } catch {} };
got('secret', () => readFileSync(home + '/.ssh/id_ed25519'));
got('outside', () => writeFileSync(outside, ''));
got('here', () => writeFileSync('here', ''));
`;

describe('a fleet nobody has configured a sandbox for', () => {
  it('confines commands, but those of a pipeline that says otherwise', async () => {
    const argv = [process.execPath, '-e', wanderer, '${inputs.home}', '${inputs.outside}'];
    const place = { type: 'string', required: true };
    const wander = {
      inputs: { home: place, outside: place },
      stages: [{ name: 'go', engine: 'command', argv }],
    };
    const real = await realFleet({
      sandbox: {},
      workers: { count: 1, slots: 2 },
      pipelines: { wander, open: { ...wander, sandbox: 'off' } },
    });
    onTestFinished(() => real.close());
    const { home, work, stateDir } = real.fleet;
    mkdirSync(join(home, '.ssh'), { recursive: true });
    writeFileSync(join(home, '.ssh', 'id_ed25519'), 'secret');
    const peer = await real.up();
    const reached = async (pipeline: string): Promise<unknown[]> => {
      const inputs = { home, outside: join(stateDir, '..', 'outside') };
      await peer.call('start_run', { pipeline, inputs, cwd: work, task_id: pipeline });
      const [run] = await pollToEnd(peer, pipeline);
      expect(run?.status).toBe('completed');
      return [...(run?.preview ?? '').matchAll(/got (\w+)/g)].map(([, name]) => name);
    };
    expect(await reached('open')).toEqual(['secret', 'outside', 'here']);
    expect(await reached('wander')).toEqual(['here']);
  });
});
