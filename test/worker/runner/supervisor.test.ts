import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findOwnCgroup } from '../../../servers/worker/runner/cgroup.ts';
import { findPrograms } from '../../../servers/worker/runner/find-programs.ts';
import { sweepLeftovers } from '../../../servers/worker/runner/sweep.ts';
import { eventually, newMarker, processesWith } from '../../helpers/processes.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { fixtures, path, surviving } from './support.ts';

async function startSupervisor(reaping: string, stateDir: string, marker: string, ...confined: string[]) {
  const words = [join(fixtures, 'supervisor.mjs'), reaping, stateDir, marker, ...confined];
  const supervisor = spawn(process.execPath, words, {
    env: { PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    supervisor.kill('SIGKILL');
    for (const pid of processesWith(marker)) process.kill(pid, 'SIGKILL');
  });
  let said = '';
  for await (const chunk of supervisor.stdout) {
    said += String(chunk);
    if (said.includes('ready')) break;
  }
  await eventually(() => processesWith(marker).length >= 5);
  return supervisor;
}

describe.each(surviving)('a supervisor under %s', (reaping) => {
  it('that is killed takes every process of its runs with it', async () => {
    const stateDir = scratchFolder();
    const marker = newMarker();
    const supervisor = await startSupervisor(reaping, stateDir, marker);
    supervisor.kill('SIGKILL');
    await once(supervisor, 'exit');
    await eventually(() => processesWith(marker).length === 0, 5_000);
    await eventually(() => ownFolders(supervisor.pid).length === 0);
  });

  it('does so with what it has confined: by namespaces, or by Landlock', async () => {
    const marker = newMarker();
    const supervisor = await startSupervisor(reaping, scratchFolder(), marker, 'confined');
    supervisor.kill('SIGKILL');
    await once(supervisor, 'exit');
    await eventually(() => processesWith(marker).length === 0, 5_000);
  });

  it('that is stopped from outside by SIGTERM does so too', async () => {
    const marker = newMarker();
    const supervisor = await startSupervisor(reaping, scratchFolder(), marker);
    supervisor.kill('SIGTERM');
    await once(supervisor, 'exit');
    await eventually(() => processesWith(marker).length === 0, 5_000);
  });
});

describe('a supervisor that opens namespaces', () => {
  it('leaves none half open after the next boot, whenever it is killed', async () => {
    const folder = scratchFolder();
    const bwrap = join(folder, 'bwrap');
    const [installed = ''] = findPrograms('bwrap', path);
    copyFileSync(installed, bwrap);
    for (let round = 0; round < 30; round += 1) {
      const supervisor = spawn(process.execPath, [join(fixtures, 'open-namespace.mjs'), bwrap], {
        env: { PATH: path },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(supervisor.stdout, 'data');
      // Somewhere in the few milliseconds that opening one takes.
      await delay(round % 10);
      supervisor.kill('SIGKILL');
      await once(supervisor, 'exit');
    }
    onTestFinished(() => {
      for (const pid of processesWith(bwrap)) process.kill(pid, 'SIGKILL');
    });
    const left = async (): Promise<number[]> => {
      await sweepLeftovers(folder);
      return processesWith(bwrap);
    };
    await expect.poll(left, { timeout: 5_000 }).toEqual([]);
  });
});

describe('a supervisor by process groups', () => {
  it('that is killed leaves what the next boot ends', async () => {
    const stateDir = scratchFolder();
    const marker = newMarker();
    const supervisor = await startSupervisor('best_effort', stateDir, marker);
    expect(await sweepLeftovers(stateDir)).toMatchObject({ processes: 0, cgroups: 0 });
    supervisor.kill('SIGKILL');
    await once(supervisor, 'exit');

    const swept = await sweepLeftovers(stateDir);
    expect(swept.processes).toBeGreaterThanOrEqual(1);
    // Two grandchildren left their group before anybody looked (three processes): the sweep cannot know them.
    expect(processesWith(marker).length).toBeLessThanOrEqual(3);
    expect(await sweepLeftovers(stateDir)).toMatchObject({ processes: 0, cgroups: 0 });
  });
});

/** cgroup folders of a supervisor that is gone. */
function ownFolders(pid: number | undefined): string[] {
  const home = findOwnCgroup();
  const names = home === undefined ? [] : readdirSync(home);
  return names.filter((name) => name.startsWith(`codex-fleet-${String(pid)}-`));
}
