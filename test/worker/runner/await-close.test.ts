import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { awaitClose } from '../../../servers/worker/runner/await-close.ts';
import { newMarker, processesWith } from '../../helpers/processes.ts';

/** A process that has ended, and left somebody with its output whom nobody kills. */
async function leave(orphan: string): Promise<{ settled(): Promise<void>; output(): string }> {
  const marker = newMarker();
  const child = spawn('/bin/sh', ['-c', `(${orphan}) & :`, marker], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    for (const pid of processesWith(marker)) process.kill(pid, 'SIGKILL');
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { settled } = awaitClose(child);
  await once(child, 'exit');
  return { settled, output: () => output };
}

describe('waiting for the output of a process that is over', () => {
  it('takes what comes late', async () => {
    const left = await leave('sleep 0.2; echo late');
    expect(left.output()).toBe('');
    await left.settled();
    expect(left.output()).toBe('late\n');
  });

  it('gives up on a pipe that somebody holds in silence', async () => {
    const left = await leave('sleep "$0"');
    const started = performance.now();
    await left.settled();
    const tookMs = performance.now() - started;
    expect(tookMs).toBeGreaterThan(450);
    expect(tookMs).toBeLessThan(4_000);
  });

  it('waits on while bytes come, but not for ever', async () => {
    const left = await leave('while :; do echo more; sleep 0.1; done');
    const started = performance.now();
    await left.settled();
    expect(performance.now() - started).toBeGreaterThan(4_500);
    expect(left.output().split('\n').length).toBeGreaterThan(5);
  });
});
