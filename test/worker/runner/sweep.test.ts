import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { identify, type ProcessIdentity } from '../../../platform/process-identity.ts';
import { findOwnCgroup } from '../../../servers/worker/runner/cgroup.ts';
import { openLedger, readLeftovers } from '../../../servers/worker/runner/ledger.ts';
import { sweepLeftovers } from '../../../servers/worker/runner/sweep.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

function startSleeper(): { child: ChildProcess; identity: ProcessIdentity } {
  const child = spawn('/bin/sleep', ['3600'], { detached: true, stdio: 'ignore' });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('It did not start.');
  return { child, identity };
}

/** What a process that is gone would have left in its ledger. */
function leave(stateDir: string, entries: object[], owner = '4194305-1', boot = bootId): void {
  mkdirSync(join(stateDir, 'processes'), { recursive: true });
  const lines = [{ boot }, ...entries].map((entry) => `${JSON.stringify(entry)}\n`).join('');
  writeFileSync(join(stateDir, 'processes', `${owner}-0123abcd`), `${lines}{"started":{"pi`);
}

describe('sweeping', () => {
  it('ends what is noted, once', async () => {
    const stateDir = scratchFolder();
    const { child, identity } = startSleeper();
    leave(stateDir, [{ started: identity }]);
    const gone = once(child, 'exit');
    expect(await sweepLeftovers(stateDir)).toMatchObject({ processes: 1, cgroups: 0 });
    await gone;
    expect(child.signalCode).toBe('SIGKILL');
    expect(readdirSync(join(stateDir, 'processes'))).toEqual([]);
    expect(await sweepLeftovers(stateDir)).toMatchObject({ processes: 0, cgroups: 0 });
  });

  it.each([
    [
      'has the pid of one that is noted but started later',
      (id: ProcessIdentity) => [{ started: { ...id, start: '1' } }],
      {},
    ],
    ['was noted as ended', (id: ProcessIdentity) => [{ started: id }, { ended: id }], {}],
    [
      'was noted before the machine was restarted',
      (id: ProcessIdentity) => [{ started: id }],
      { boot: 'other' },
    ],
    [
      'belongs to a process that still runs',
      (id: ProcessIdentity) => [{ started: id }],
      { owner: `${String(process.pid)}-${identify(process.pid)?.start ?? ''}` },
    ],
  ])(
    'spares a process that %s',
    async (_why, entries, { owner, boot }: { owner?: string; boot?: string }) => {
      const stateDir = scratchFolder();
      const { identity } = startSleeper();
      leave(stateDir, entries(identity), owner, boot);
      expect(await sweepLeftovers(stateDir)).toMatchObject({ processes: 0, cgroups: 0 });
      expect(identify(identity.pid)).toEqual(identity);
    },
  );

  it('ends cgroups with all in them, and removes them', async () => {
    const home = findOwnCgroup() ?? '';
    const folder = join(home, `codex-fleet-test-${String(process.pid)}`);
    mkdirSync(join(folder, '1', 'nested'), { recursive: true });
    const { child } = startSleeper();
    writeFileSync(join(folder, '1', 'nested', 'cgroup.procs'), String(child.pid));
    const stateDir = scratchFolder();
    leave(stateDir, [{ cgroup: folder }, { cgroup: join(home, 'codex-fleet-test-none') }]);
    const gone = once(child, 'exit');
    expect(await sweepLeftovers(stateDir)).toMatchObject({ processes: 0, cgroups: 2 });
    await gone;
    expect(
      readdirSync(home).filter((name) => name.startsWith(`codex-fleet-test-${String(process.pid)}`)),
    ).toEqual([]);
  });

  it('does nothing where nothing was ever noted', async () => {
    expect(await sweepLeftovers(scratchFolder())).toMatchObject({ processes: 0, cgroups: 0 });
  });
});

describe('the ledger', () => {
  it('is read back as it was written, and gone once closed', () => {
    const stateDir = scratchFolder();
    const ledger = openLedger(stateDir);
    ledger.started({ pid: 10, start: '1' });
    ledger.started({ pid: 11, start: '2' });
    ledger.ended({ pid: 10, start: '1' });
    ledger.cgroup('/sys/fs/cgroup/x');
    const [leftovers] = readLeftovers(stateDir);
    expect(leftovers).toMatchObject({
      owner: identify(process.pid),
      bootId,
      processes: [{ pid: 11, start: '2' }],
      cgroups: ['/sys/fs/cgroup/x'],
    });
    ledger.close();
    expect(readLeftovers(stateDir)).toEqual([]);
  });
});
