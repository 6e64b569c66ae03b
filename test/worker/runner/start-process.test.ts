import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../helpers/scratch.ts';
import { openRunner, path, ways } from './support.ts';

describe.each(ways)('a process under %s', (reaping) => {
  it.each([0, 1, 3, 126, 127, 130, 137, 255])('that exits with %i', async (code) => {
    const runner = await openRunner(reaping);
    const end = await runner.fixture('exit-n', String(code)).ended;
    expect(end).toEqual({ kind: 'exit', code });
  });

  it.each(['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGSEGV', 'SIGABRT', 'SIGPIPE'])(
    'that dies by %s is told from one that exits with 128 + n',
    async (signal) => {
      const runner = await openRunner(reaping);
      const end = await runner.run(['/bin/sh', '-c', `kill -${signal.slice(3)} $$; sleep 60`]).ended;
      expect(end).toEqual({ kind: 'signal', signal });
    },
  );

  it('that signals itself from within', async () => {
    const runner = await openRunner(reaping);
    const end = await runner.fixture('die-by-signal', 'SIGTERM').ended;
    expect(end).toEqual({ kind: 'signal', signal: 'SIGTERM' });
  });

  it('may send a signal to its own group and live on', async () => {
    const runner = await openRunner(reaping);
    const run = runner.run(['/bin/sh', '-c', 'trap "echo caught" TERM; kill 0; echo done']);
    expect(await run.ended).toEqual({ kind: 'exit', code: 0 });
    expect(run.stdout().toString()).toBe('caught\ndone\n');
  });

  it('has exactly the environment, the folder and the session it was given', async () => {
    const runner = await openRunner(reaping);
    const env = { 'A.b': '1', PATH: path, EMPTY: '', PROMPT: 'two\nlines' };
    const cwd = scratchFolder();
    const script = 'const {env}=process; process.stdout.write(JSON.stringify({env, cwd: process.cwd()}))';
    const run = runner.run([process.execPath, '-e', script], { env, cwd });
    const plain = runner.run(['/bin/sh', '-c', 'ls /proc/self/fd'], { env, cwd });
    await Promise.all([run.ended, plain.ended]);
    expect(JSON.parse(run.stdout().toString())).toMatchObject({ env, cwd });
    // What this test's own process would hand on anyway, and nothing of the layer's.
    const bare = spawnSync('/bin/sh', ['-c', 'ls /proc/self/fd'], { stdio: ['ignore', 'pipe', 'pipe'] });
    expect(plain.stdout().toString()).toEqual(bare.stdout.toString());
    const stat = runner.run(['/bin/cat', '/proc/self/stat']);
    await stat.ended;
    const [pid, , , , group, session] = stat.stdout().toString().split(' ');
    expect([group, session]).toEqual([pid, pid]);
  });

  it('that cannot be started says why', async () => {
    const runner = await openRunner(reaping);
    const folder = scratchFolder();
    const noInterpreter = join(folder, 'script');
    writeFileSync(noInterpreter, '#!/nowhere/interpreter\n');
    chmodSync(noInterpreter, 0o755);
    const notExecutable = join(folder, 'data');
    writeFileSync(notExecutable, '');
    const spawnEnd = async (file: string, options = {}): Promise<unknown> =>
      runner.run([file], options).ended;

    expect(await spawnEnd(join(folder, 'missing'))).toEqual({ kind: 'spawn', errno: 'ENOENT' });
    expect(await spawnEnd(noInterpreter)).toEqual({ kind: 'spawn', errno: 'ENOENT' });
    expect(await spawnEnd(notExecutable)).toEqual({ kind: 'spawn', errno: 'EACCES' });
    expect(await spawnEnd(folder)).toEqual({ kind: 'spawn', errno: 'EACCES' });
    expect(await spawnEnd('/bin/true', { cwd: join(folder, 'missing') })).toEqual({
      kind: 'spawn',
      errno: 'ENOENT',
    });
    const tooBig = runner.run(['/bin/true', 'x'.repeat(4_000_000)]);
    expect(await tooBig.ended).toEqual({ kind: 'spawn', errno: 'E2BIG' });
    expect(tooBig.process.pid).toBeUndefined();
  });

  it('has all its output delivered before it ends, byte by byte', async () => {
    const runner = await openRunner(reaping);
    const run = runner.fixture('binary-output', '4096');
    await run.ended;
    const expected = Buffer.from(Array.from({ length: 4096 * 256 }, (_, at) => at % 256));
    expect(run.stdout().equals(expected)).toBe(true);

    const noisy = runner.fixture('noisy', '15000000');
    expect(await noisy.ended).toEqual({ kind: 'exit', code: 0 });
    expect(noisy.stdout().length + noisy.stderr().length).toBeGreaterThanOrEqual(15_000_000);
    expect(linesOf(noisy.stdout())).toEqual(expectedLines(noisy.stdout(), 0));
    expect(linesOf(noisy.stderr())).toEqual(expectedLines(noisy.stderr(), 1000));
  });

  it('has a line in pieces put together', async () => {
    const runner = await openRunner(reaping);
    const run = runner.fixture('slow-line');
    await run.ended;
    expect(run.stdout().toString()).toBe('one two three\n');
  });

  it('reads its input to the end', async () => {
    const runner = await openRunner(reaping);
    // More at once than spares there are: those that wait for the layer get their input all the same.
    const runs = Array.from({ length: 4 }, () => runner.run(['/bin/cat'], { stdin: 'pipe' }));
    for (const [at, run] of runs.entries()) run.process.stdin?.end(`input ${String(at)}`);
    for (const [at, run] of runs.entries()) {
      expect(await run.ended).toEqual({ kind: 'exit', code: 0 });
      expect(run.stdout().toString()).toBe(`input ${String(at)}`);
    }
  });

  it('that reads none of its input is no error of ours', async () => {
    const runner = await openRunner(reaping);
    const run = runner.run(['/bin/true'], { stdin: 'pipe' });
    run.process.stdin?.write(Buffer.alloc(1_000_000));
    expect(await run.ended).toEqual({ kind: 'exit', code: 0 });
  });

  it('is one of many, each with its own output', async () => {
    const runner = await openRunner(reaping);
    const runs = Array.from({ length: 20 }, (_, at) => runner.run(['/bin/echo', `run ${String(at)}`]));
    await Promise.all(runs.map((run) => run.ended));
    expect(runs.map((run) => run.stdout().toString())).toEqual(runs.map((_, at) => `run ${String(at)}\n`));
  });
});

function linesOf(bytes: Buffer): number[] {
  return bytes
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => Number(line.split(' ')[1]));
}

/** noisy.mjs writes every other thousand lines to each stream. */
function expectedLines(bytes: Buffer, first: number): number[] {
  const count = linesOf(bytes).length;
  return Array.from({ length: count }, (_, at) => first + Math.floor(at / 1000) * 2000 + (at % 1000));
}
