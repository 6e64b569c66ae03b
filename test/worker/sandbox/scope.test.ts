import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { config as configSchema } from '../../../schemas/config.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { createSandbox } from '../../../servers/worker/sandbox/sandbox.ts';
import { path } from '../runner/support.ts';

const stage = { name: 'look', engine: 'command' as const, argv: ['/bin/sh'] };

/** A home with keys, a folder of the fleet, a run's folder with a way out of it, and data beside them. */
async function bench() {
  const root = mkdtempSync('/var/tmp/fe-');
  const at = (...names: string[]): string => join(root, ...names);
  for (const folder of ['home/.ssh', 'state', 'ws/out', 'ws/keys', 'data/closed']) {
    mkdirSync(at(folder), { recursive: true });
  }
  for (const file of ['home/.ssh/config', 'ws/keys/k', 'data/d', 'data/closed/c'])
    writeFileSync(at(file), 'x');
  symlinkSync(at('data'), at('ws/way-out'));
  const { layer } = await probeReaping({ config: { reaping: 'auto' }, path, stateDir: at('state') });
  const sandbox = createSandbox({ layer, dir: at('state'), ours: [at('state')], path, home: at('home') });
  onTestFinished(async () => {
    await layer.close();
    rmSync(root, { recursive: true, force: true });
  });
  /** What of `tried` a command gets through. */
  async function reached(
    pipeline: object,
    configured: object,
    tried: Record<string, string>,
    more: object = {},
  ): Promise<string[]> {
    const recipe = {
      config: configSchema.parse({ sandbox: configured, ...more }),
      pipeline: pipelineSchema.parse({ stages: [stage], ...pipeline }),
      stages: [stage],
      cwd: at('ws'),
    };
    await sandbox.check(recipe);
    const env = { PATH: '/usr/bin:/bin', HOME: at('home'), DATA: at('data') };
    const start = sandbox.around(createStartProcess(layer), {
      ...recipe,
      stage,
      env,
      report: () => undefined,
    });
    const lines = Object.entries(tried).map(
      ([name, script]) => `( ${script} ) 2>/dev/null && echo "GOT ${name}"`,
    );
    let said = '';
    const argv = ['/bin/sh', '-c', `${lines.join('\n')}\ntrue`] as const;
    const running = start(
      { argv, cwd: at('ws'), env, stdin: 'ignore', tmpDir: at('state') },
      { stdout: (chunk) => (said += chunk.toString()), stderr: () => undefined },
    );
    expect(await running.ended).toEqual({ kind: 'exit', code: 0 });
    return [...said.matchAll(/^GOT (.+)$/gm)].map(([, name = '']) => name);
  }
  return { at, reached };
}

const tried = {
  'write here': ': > new',
  'write out': ': > out/new',
  'write data': ': > "$DATA/new"',
  'read data': '< "$DATA/d" cat > /dev/null',
  'read closed data': '< "$DATA/closed/c" cat > /dev/null',
  'read keys here': '< keys/k cat > /dev/null',
  'read ssh': '< "$HOME/.ssh/config" cat > /dev/null',
};

describe('the scope of a pipeline', () => {
  it('opens and closes paths for its commands alone', async () => {
    const { at, reached } = await bench();
    const usual = Object.keys(tried).filter((name) => !/write data|ssh/.test(name));
    expect(await reached({}, {}, tried)).toEqual(usual);
    const scope = { write: [at('data')], read: [at('home/.ssh')], hide: ['keys', at('data/closed')] };
    const own = Object.keys(tried).filter((name) => !/closed|keys/.test(name));
    expect(await reached({ sandbox: scope }, {}, tried)).toEqual(own);
    expect(await reached({}, {}, tried)).toEqual(usual);
  });

  it('hides in every run what one of them had in a folder it could rename', async () => {
    const { at, reached } = await bench();
    mkdirSync(at('ws/deep/er/keys'), { recursive: true });
    writeFileSync(at('ws/deep/er/keys/k'), 'x');
    const scope = { sandbox: { hide: ['deep/er/keys'] } };
    const all = {
      rename: 'mv deep shallow && mkdir -p deep/er/keys',
      'rename below': 'mv deep/er deep/wide && mkdir -p deep/er/keys',
      'write beside': ': > deep/er/new && : > deep/new',
      read: 'cat */*/keys/k > /dev/null',
    };
    for (const _ of [1, 2]) expect(await reached(scope, {}, all)).toEqual(['write beside']);
  });

  it('makes no folder writable that only is above something hidden', async () => {
    const { at, reached } = await bench();
    mkdirSync(at('data/closed/in/keys'), { recursive: true });
    writeFileSync(at('data/closed/in/plain'), 'x');
    const scope = { write: [at('data')], read: [at('data/closed')], hide: [at('data/closed/in/keys')] };
    const all = { 'write data': tried['write data'], 'write closed': ': > "$DATA/closed/in/new"' };
    expect(await reached({ sandbox: scope }, {}, all)).toEqual(['write data']);
    const nested = { write: [at('data')], hide: [at('data/closed'), at('data/closed/in/keys')] };
    const inside = { 'read closed': 'cat "$DATA/closed/in/plain" > /dev/null' };
    expect(await reached({ sandbox: nested }, {}, inside)).toEqual([]);
  });

  it('hides what one opens and another hides', async () => {
    const { at, reached } = await bench();
    const data = { 'read data': tried['read data'], 'write data': tried['write data'] };
    for (const open of [{ read: [at('data')] }, { write: [at('data')] }]) {
      expect(await reached({ sandbox: { hide: [at('ws/way-out')] } }, open, data)).toEqual([]);
    }
  });

  it('hides what was put in the place of something hidden after the run before', async () => {
    const { at, reached } = await bench();
    writeFileSync(at('home/.netrc'), 'x');
    const read = { 'read netrc': 'cat "$HOME/.netrc" > /dev/null', 'read ssh': tried['read ssh'] };
    // A file that is made anew often gets the number of the one before.
    const replaceFile = (): void => {
      rmSync(at('home/.netrc'));
      writeFileSync(at('home/.netrc'), 'x');
    };
    const replaceFolder = (): void => {
      renameSync(at('home/.ssh'), at('home/before'));
      cpSync(at('home/before'), at('home/.ssh'), { recursive: true });
      rmSync(at('home/before'), { recursive: true });
    };
    const turns: string[][] = [];
    for (const replace of [
      replaceFile,
      replaceFile,
      replaceFile,
      replaceFolder,
      replaceFolder,
      replaceFolder,
    ]) {
      turns.push(await reached({}, {}, read));
      // As long as the namespace of the next run may take to open.
      await delay(100);
      replace();
    }
    turns.push(await reached({}, {}, read));
    expect(turns.flat()).toEqual([]);
  });

  it('lets a pipeline that changes nothing write where it says so', async () => {
    const { reached } = await bench();
    const writes = (names: string[]): string[] => names.filter((name) => name.startsWith('write'));
    expect(writes(await reached({ read_only: true }, {}, tried))).toEqual([]);
    const scope = { write: ['out'] };
    expect(writes(await reached({ read_only: true, sandbox: scope }, {}, tried))).toEqual(['write out']);
  });

  it('follows no link out of the folder of a run', async () => {
    const { reached } = await bench();
    expect(
      await reached({ sandbox: { write: ['way-out'] } }, {}, { 'write data': tried['write data'] }),
    ).toEqual([]);
  });

  it('follows no link a run may have made to what is opened by its whole path', async () => {
    const { at, reached } = await bench();
    const wanted = { 'write data': tried['write data'], 'read ssh': tried['read ssh'] };
    mkdirSync(at('other'));
    for (const folder of ['ws', 'other']) {
      symlinkSync(at('data'), at(folder, 'data'));
      symlinkSync(at('home/.ssh'), at(folder, 'ssh'));
    }
    symlinkSync(at('ws'), at('to-ws'));
    const roots = { roots: [at('other')] };
    for (const folder of ['ws', 'to-ws', 'other']) {
      const open = { write: [at(folder, 'data')], read: [at(folder, 'ssh')] };
      expect(await reached({}, open, wanted, roots)).toEqual([]);
      expect(await reached({ sandbox: open }, {}, wanted, roots)).toEqual([]);
    }
    const open = { write: [at('other/data')], read: [at('other/ssh')] };
    const written = { pipelines: { other: { stages: [stage], sandbox: { write: [at('other')] } } } };
    expect(await reached({}, open, wanted, written)).toEqual([]);
    // One of the user's own, in a folder that is not for runs; or to a place beside it.
    expect(await reached({}, open, wanted)).toEqual(Object.keys(wanted));
    symlinkSync(at('ws/out'), at('ws/to-out'));
    const out = { 'write out': tried['write out'] };
    expect(await reached({ read_only: true }, { write: [at('to-ws/to-out')] }, out)).toEqual(
      Object.keys(out),
    );
  });

  it.each(['/', '/var', 'home', 'state', 'state/workers', 'link-to-state'])(
    'opens no hole: %s',
    async (name) => {
      const { at, reached } = await bench();
      mkdirSync(at('state/workers'));
      symlinkSync(at('state'), at('link-to-state'));
      const hole = name.startsWith('/') ? name : at(name);
      for (const list of ['write', 'read']) {
        const refused = {
          code: 'INVALID_INPUT',
          message: expect.stringContaining('The sandbox cannot open'),
        };
        await expect(reached({ sandbox: { [list]: [hole] } }, {}, {})).rejects.toMatchObject(refused);
        await expect(reached({}, { [list]: [hole] }, {})).rejects.toMatchObject(refused);
      }
    },
  );

  it('takes no step up', () => {
    for (const path of ['..', '../x', 'a/../..', '/a/../b', '']) {
      expect(pipelineSchema.safeParse({ stages: [stage], sandbox: { read: [path] } }).success).toBe(false);
    }
    expect(pipelineSchema.safeParse({ stages: [stage], sandbox: { read: ['..a/b..', '.x'] } }).success).toBe(
      true,
    );
  });
});
