import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { processesOf } from '../../scripts/chaos/processes.ts';
import { play } from '../../scripts/chaos/scenario.ts';
import { timeOf } from '../../scripts/chaos/time.ts';
import { atFailpoints, atRandom } from '../../scripts/chaos/scenarios.ts';

/** The short form of `npm run chaos`. */
const seed = 7;
/** Ten times what it takes: nobody waits for it in vain on a machine that has much to do. */
const forMs = 240_000;

it(
  'a fleet killed at its failpoints loses nothing, repeats nothing and leaves nothing behind',
  async () => {
    const { violations, unreached, deaths } = await play(atFailpoints(8, 'few'), seed, timeOf(forMs));
    expect(violations).toEqual([]);
    expect(unreached).toEqual([]);
    expect(deaths.coordinator).toBeGreaterThan(5);
    expect(deaths.worker).toBeGreaterThan(5);
  },
  forMs + 10_000,
);

it(
  'nor does one killed at random times',
  async () => {
    const { violations } = await play(atRandom(6_000, 40), seed, timeOf(forMs));
    expect(violations).toEqual([]);
  },
  forMs + 10_000,
);

it.each([700, 8_000])(
  'ends after %i ms, says what it did not come to, and leaves nothing behind',
  async (ms) => {
    const root = mkdtempSync('/var/tmp/fleet-');
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    vi.stubEnv('TMPDIR', root);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { unreached, tookMs } = await play(atRandom(600_000, 8), seed, timeOf(ms));
    expect(unreached).not.toEqual([]);
    expect(tookMs).toBeLessThan(30_000);
    expect(processesOf({ root })).toEqual([]);
    expect(readdirSync(root)).toEqual([]);
  },
  90_000,
);
