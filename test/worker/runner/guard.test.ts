import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findOwnCgroup } from '../../../servers/worker/runner/cgroup.ts';
import { startGuard } from '../../../servers/worker/runner/guard.ts';
import { eventually, processesWith } from '../../helpers/processes.ts';

function newCgroup(): string {
  const folder = join(
    findOwnCgroup() ?? '',
    `codex-fleet-guard-${String(process.pid)}-${String(Date.now())}`,
  );
  mkdirSync(join(folder, '1'), { recursive: true });
  return folder;
}

describe('the guard of a cgroup', () => {
  it('kills everything in it and removes it when it is let go', async () => {
    const folder = newCgroup();
    const sleeper = spawn('/bin/sleep', ['3600'], { detached: true, stdio: 'ignore' });
    onTestFinished(() => {
      sleeper.kill('SIGKILL');
    });
    writeFileSync(join(folder, '1', 'cgroup.procs'), String(sleeper.pid));
    const guard = startGuard(folder);
    const gone = once(sleeper, 'exit');
    await guard.close();
    await gone;
    expect(() => readdirSync(folder)).toThrow('ENOENT');
  });

  it('is not in it, does not mind being asked to end, and is replaced where it is killed', async () => {
    const folder = newCgroup();
    const guard = startGuard(folder);
    await eventually(() => processesWith(folder).length === 1);
    const [first = 0] = processesWith(folder);
    expect(readFileSync(`/proc/${String(first)}/cgroup`, 'utf8')).not.toContain('codex-fleet-guard');
    process.kill(first, 'SIGTERM');
    process.kill(first, 'SIGKILL');
    await eventually(() => processesWith(folder).some((pid) => pid !== first));
    await guard.close();
    expect(() => readdirSync(folder)).toThrow('ENOENT');
    expect(processesWith(folder)).toEqual([]);
  });
});
