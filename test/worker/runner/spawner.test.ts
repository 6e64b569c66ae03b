import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entryOf } from '../../../servers/worker/runner/entry.ts';
import type { ProcessSpec } from '../../../servers/worker/runner/process.ts';
import { findPrograms } from '../../../servers/worker/runner/find-programs.ts';
import type { SpawnedChild } from '../../../servers/worker/runner/spawned-child.ts';
import { Spawner } from '../../../servers/worker/runner/spawner.ts';
import { eventually, newMarker, processesWith } from '../../helpers/processes.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { path } from './support.ts';

const perl = findPrograms('perl', path)[0] ?? '';

async function openSpawner(dir = scratchFolder()) {
  const spawner = new Spawner(perl, dir);
  onTestFinished(() => {
    spawner.close();
  });
  await spawner.open();
  const start = async (...argv: [string, ...string[]]): Promise<SpawnedChild> => {
    const spec: ProcessSpec = { argv, cwd: dir, env: { PATH: path }, stdin: 'ignore', tmpDir: dir };
    const child = await spawner.start(argv, spec, dir);
    if (child === undefined) throw new Error('The spawner is not ready.');
    return child;
  };
  return { spawner, dir, start };
}

/** What a child says, until its end. */
async function listen(child: SpawnedChild): Promise<{ out: string; err: string; code: number | null }> {
  const heard = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => (heard.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (heard.err += chunk.toString()));
  await once(child, 'close');
  return { ...heard, code: child.exitCode };
}

/** Told as the start fails, or by the child where that is found out later. */
async function failure(starting: Promise<SpawnedChild> | undefined): Promise<unknown> {
  try {
    const child = await starting;
    return child === undefined ? undefined : (await once(child, 'exit'))[0];
  } catch (error) {
    return error;
  }
}

/** Of the process that serves a spawner's socket. */
function pidOf(dir: string): number {
  const pid = processesWith(join(dir, 'spawner.sock'))[0];
  if (pid === undefined) throw new Error('There is no spawner.');
  return pid;
}

describe('the spawner', () => {
  it('keeps the outputs of many at once apart', async () => {
    const { start } = await openSpawner();
    const script = 'echo "out $0"; echo "err $0" >&2; exit $(($0 % 100))';
    const all = Array.from({ length: 60 }, async (_, n) => {
      const child = await start('/bin/sh', '-c', script, String(n));
      expect(await listen(child)).toEqual({ out: `out ${n}\n`, err: `err ${n}\n`, code: n });
    });
    await Promise.all(all);
  });

  it('has no environment a process could read, and gives it only its own', async () => {
    const { dir, start } = await openSpawner();
    expect(readFileSync(`/proc/${String(pidOf(dir))}/environ`, 'latin1')).toBe('');
    const { out } = await listen(await start('/bin/sh', '-c', 'cat /proc/$PPID/environ && echo read'));
    expect(out).toBe('read\n');
    expect((await listen(await start('/bin/cat', '/proc/self/environ'))).out).toBe(`PATH=${path}\0`);
  });

  it('says so where the namespaces a process was to be in are gone', async () => {
    const { spawner, dir } = await openSpawner();
    const spec: ProcessSpec = { argv: ['/bin/true'], cwd: dir, env: {}, stdin: 'ignore', tmpDir: dir };
    // No process has that number: Linux gives none above 2 ** 22.
    const entry = entryOf(2 ** 22 + 1, ['pid', 'mnt'], undefined);
    expect(await failure(spawner.start(spec.argv, spec, dir, entry))).toMatchObject({ code: 'ESRCH' });
  });

  it('gives a process the signals of a fresh one', async () => {
    const { start } = await openSpawner();
    const { out } = await listen(await start('/bin/cat', '/proc/self/status'));
    const none = '0000000000000000';
    expect(out.match(/^Sig(Blk|Ign|Cgt):.*/gm)).toEqual([
      `SigBlk:\t${none}`,
      `SigIgn:\t${none}`,
      `SigCgt:\t${none}`,
    ]);
  });

  it('tells when the kernel says a process began', async () => {
    const { start } = await openSpawner();
    const child = await start('/bin/sleep', '60');
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    expect(child.start).toBe(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
  });

  it('says why a process could not be started', async () => {
    const { start, spawner, dir } = await openSpawner();
    expect(await failure(start('/nowhere'))).toMatchObject({ code: 'ENOENT' });
    expect(await failure(start('/etc/passwd'))).toMatchObject({ code: 'EACCES' });
    const spec: ProcessSpec = { argv: ['/bin/true'], cwd: dir, env: {}, stdin: 'ignore', tmpDir: dir };
    const nowhere = spawner.start(['/bin/true'], spec, join(dir, 'none'));
    expect(await failure(nowhere)).toMatchObject({ code: 'ENOENT' });
    expect((await listen(await start('/bin/true'))).code).toBe(0);
  });

  it('kills what it started at the end of its input', async () => {
    const { spawner, start } = await openSpawner();
    const marker = newMarker();
    const child = await start('/bin/sh', '-c', `sleep ${marker} & sleep ${marker}`);
    await eventually(() => processesWith(marker).length === 3);
    const over = once(child, 'exit');
    spawner.close();
    await eventually(() => processesWith(marker).length === 0);
    await over;
  });

  it('killed, takes its processes along, and another takes its place', async () => {
    const { spawner, start, dir } = await openSpawner();
    const marker = newMarker();
    const child = await start('/bin/sleep', marker);
    const over = once(child, 'exit');
    process.kill(pidOf(dir), 'SIGKILL');
    await over;
    expect(child.signalCode).toBe('SIGKILL');
    await eventually(() => processesWith(marker).length === 0);
    await spawner.open();
    expect((await listen(await start('/bin/echo', 'again'))).out).toBe('again\n');
  });

  it('that starts nothing is ended, and another takes its place', async () => {
    const dir = scratchFolder();
    const spawner = new Spawner(perl, dir, { startMs: 200 });
    onTestFinished(() => {
      spawner.close();
    });
    await spawner.open();
    process.kill(pidOf(dir), 'SIGSTOP');
    const spec: ProcessSpec = { argv: ['/bin/true'], cwd: dir, env: {}, stdin: 'ignore', tmpDir: dir };
    await expect(spawner.start(spec.argv, spec, dir)).rejects.toMatchObject({ code: 'EAGAIN' });
    await spawner.open();
    const child = await spawner.start(spec.argv, spec, dir);
    expect(child && (await listen(child)).code).toBe(0);
  });

  it('hears nobody who knows no id', async () => {
    const { start, dir } = await openSpawner();
    const stranger = connect(join(dir, 'spawner.sock'));
    stranger.write(`1${'0'.repeat(32)}\nnot mine`);
    await once(stranger.resume(), 'close');
    expect((await listen(await start('/bin/echo', 'mine'))).out).toBe('mine\n');
  });

  it('leaves starting to the worker while it is idle, and where there is no Perl', async () => {
    const dir = scratchFolder();
    const idle = new Spawner(perl, dir);
    const spec: ProcessSpec = { argv: ['/bin/true'], cwd: dir, env: {}, stdin: 'ignore', tmpDir: dir };
    expect(idle.start(spec.argv, spec, dir)).toBeUndefined();
    expect(existsSync(join(dir, 'spawner.sock'))).toBe(false);
    idle.close();
    const without = new Spawner('/nowhere/perl', dir);
    await without.open();
    expect(without.start(spec.argv, spec, dir)).toBeUndefined();
    without.close();
  });
});
