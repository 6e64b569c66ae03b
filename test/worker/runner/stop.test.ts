import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually, newMarker, processesWith, ticksOf } from '../../helpers/processes.ts';
import { openRunner, ways } from './support.ts';

/** Long enough for a busy process to be seen using the processor: 100 ticks are a second. */
const lookMs = 250;

describe.each(ways)('stopping a process under %s', (reaping) => {
  it('idles the whole tree, sessions of its own included, until it is continued', async () => {
    const runner = await openRunner(reaping);
    const marker = newMarker();
    const run = runner.fixture('spin', marker, reaping.startsWith('best_effort') ? 'child' : 'orphan');
    await run.said('ready');
    await eventually(() => ticksOf(marker) > 20);

    run.process.stop();
    const stopped = ticksOf(marker);
    await delay(lookMs);
    expect(ticksOf(marker)).toBe(stopped);

    run.process.continue();
    await eventually(() => ticksOf(marker) > stopped + 5);
    run.process.stop();
    run.process.continue();
    const again = ticksOf(marker);
    await eventually(() => ticksOf(marker) > again + 5);
    await run.process.terminate(0);
    expect(processesWith(marker)).toEqual([]);
  });

  it('does not hide its end, nor keep it from being ended', async () => {
    const runner = await openRunner(reaping);
    const run = runner.fixture('exit-on-sigterm', '3');
    await run.said('ready');
    run.process.stop();
    run.process.stop();
    await run.process.terminate(5_000);
    expect(await run.ended).toEqual({ kind: 'exit', code: 3 });

    const stubborn = runner.fixture('ignore-sigterm');
    await stubborn.said('ready');
    stubborn.process.stop();
    await stubborn.process.terminate(0);
    expect(await stubborn.ended).toEqual({ kind: 'signal', signal: 'SIGKILL' });
  });

  it('and continuing it over and over loses nothing', async () => {
    const runner = await openRunner(reaping);
    const run = runner.run(['/bin/sh', '-c', 'read -r line; echo "$line"'], { stdin: 'pipe' });
    for (let round = 0; round < 30; round += 1) {
      run.process.stop();
      run.process.continue();
    }
    run.process.stdin?.end('through\n');
    expect(await run.ended).toEqual({ kind: 'exit', code: 0 });
    expect(run.stdout().toString()).toBe('through\n');
  });
});
