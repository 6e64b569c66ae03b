import { describe, expect, it } from 'vitest';
import { eventually, newMarker, processesWith } from '../../helpers/processes.ts';
import { openRunner, surviving, ways } from './support.ts';

describe.each(ways)('ending a process under %s', (reaping) => {
  it('asks first, and takes the exit code of one that listens', async () => {
    const runner = await openRunner(reaping);
    const run = runner.fixture('exit-on-sigterm', '7');
    await run.said('ready');
    await run.process.terminate(5_000);
    expect(await run.ended).toEqual({ kind: 'exit', code: 7 });
    expect(run.stdout().toString()).toBe('ready\nbye\n');
  });

  it('tells one that dies of being asked', async () => {
    const runner = await openRunner(reaping);
    const run = runner.fixture('forever');
    await run.said('ready');
    await run.process.terminate(5_000);
    expect(await run.ended).toEqual({ kind: 'signal', signal: 'SIGTERM' });
  });

  it('kills one that does not listen, after the grace', async () => {
    const runner = await openRunner(reaping);
    const run = runner.fixture('ignore-sigterm');
    await run.said('ready');
    const started = performance.now();
    await run.process.terminate(300);
    const tookMs = performance.now() - started;
    expect(await run.ended).toEqual({ kind: 'signal', signal: 'SIGKILL' });
    expect(run.stdout().toString()).toBe('ready\nignored\n');
    expect(tookMs).toBeGreaterThanOrEqual(290);
    expect(tookMs).toBeLessThan(2_500);
  });

  it('may be asked twice, at once, before the start and after the end', async () => {
    const runner = await openRunner(reaping);
    const first = runner.fixture('ignore-sigterm');
    await Promise.all([first.process.terminate(10_000), first.process.terminate(0)]);
    expect(await first.ended).toMatchObject({ kind: 'signal' });
    await first.process.terminate(10_000);
    first.process.stop();
    first.process.continue();

    const runs = Array.from({ length: 3 }, () => runner.fixture('forever'));
    await Promise.all(runs.map((run) => run.process.terminate(0)));
    for (const run of runs) expect(await run.ended).toMatchObject({ kind: 'signal' });
  });

  it('ends descendants in sessions of their own with it', async () => {
    const runner = await openRunner(reaping);
    const marker = newMarker();
    const run = runner.run([
      '/bin/sh',
      '-c',
      'setsid sleep "$0" & setsid env -i sleep "$0" & echo up; wait',
      marker,
    ]);
    await run.said('up');
    await eventually(() => processesWith(marker).length >= 3);
    await run.process.terminate(2_000);
    expect(processesWith(marker)).toEqual([]);
  });
});

describe.each(ways)('a process under %s that ends by itself', (reaping) => {
  it('is over at once though a child holds its output', async () => {
    const runner = await openRunner(reaping);
    const marker = newMarker();
    const run = runner.run(['/bin/sh', '-c', 'sleep "$0" & echo left', marker]);
    expect(await run.ended).toEqual({ kind: 'exit', code: 0 });
    expect(run.stdout().toString()).toBe('left\n');
    expect(processesWith(marker)).toEqual([]);
  });
});

describe.each(surviving)('grandchildren without parents under %s', (reaping) => {
  it('die with a main process that ends by itself', async () => {
    const runner = await openRunner(reaping);
    const marker = newMarker();
    const run = runner.fixture('fork-grandchild', marker, 'exit');
    expect(await run.ended).toEqual({ kind: 'exit', code: 0 });
    expect(run.stdout().toString()).toBe('left\nready\n');
    expect(processesWith(marker)).toEqual([]);
  });

  it('die with a main process that is ended', async () => {
    const runner = await openRunner(reaping);
    const marker = newMarker();
    const run = runner.fixture('fork-grandchild', marker, 'stay');
    await run.said('ready');
    await eventually(() => processesWith(marker).length >= 4);
    await run.process.terminate(2_000);
    expect(processesWith(marker)).toEqual([]);
  });
});

describe('grandchildren without parents, by process groups', () => {
  it('die where they were seen before they lost their parents', async () => {
    const runner = await openRunner('best_effort');
    const marker = newMarker();
    // The parent lives for longer than two looks lie apart.
    const script = 'setsid sh -c "sleep $0 & sleep 2" & wait; echo alone; sleep "$0"';
    const run = runner.run(['/bin/sh', '-c', script, marker]);
    await run.said('alone');
    await eventually(() => processesWith(marker).length === 3);
    await run.process.terminate(2_000);
    expect(processesWith(marker)).toEqual([]);
  });
});
