import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { programFile } from '../helpers/fleet.ts';
import { scratchFolder } from '../helpers/scratch.ts';

it('is what a worker does first: no run of it has what was left open for it', async () => {
  const folder = scratchFolder();
  const file = join(folder, 'left-open');
  writeFileSync(file, '');
  const leftOpen = openSync(file, 'r');
  const none = Array.from({ length: 37 }, () => 'ignore' as const);
  const worker = spawn(process.execPath, [programFile, 'worker', '--stdio'], {
    env: { HOME: folder, PATH: '/usr/bin:/bin', CODEX_FLEET_STATE_DIR: join(folder, 'state') },
    stdio: ['pipe', 'ignore', 'ignore', ...none, leftOpen],
  });
  closeSync(leftOpen);
  onTestFinished(async () => {
    const gone = once(worker, 'close');
    worker.kill('SIGKILL');
    await gone;
  });
  const has = (): string => {
    try {
      return readlinkSync(`/proc/${String(worker.pid)}/fd/40`);
    } catch {
      return 'nothing';
    }
  };
  expect(has()).toBe(file);
  await expect.poll(has, { timeout: 15_000, interval: 20 }).not.toBe(file);
  expect(worker.exitCode).toBeNull();
});
