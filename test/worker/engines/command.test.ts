import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { config as configSchema } from '../../../schemas/config.ts';
import type { Pipeline } from '../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../schemas/run.ts';
import type { Reaping } from '../../../schemas/worker.ts';
import { commandEngine } from '../../../servers/worker/engines/command.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import {
  describeEngine,
  makeContext,
  type EngineSubject,
  type Place,
  type Scenario,
} from '../../suites/engine.suite.ts';
import { fixtures, layers, path } from '../runner/support.ts';

const node = process.execPath;

async function openPlace(reaping: Reaping, commands: string[][]): Promise<Place> {
  const { layer } = await probeReaping({ config: { reaping }, path, stateDir: scratchFolder() });
  onTestFinished(() => layer.close());
  return {
    config: configSchema.parse({ commands: commands.map((argv) => ({ argv, trust_arguments: true })) }),
    env: { PATH: path, LANG: 'C.UTF-8' },
    startProcess: createStartProcess(layer),
  };
}

function stageOf(...argv: string[]): Scenario {
  return { stage: { name: 'one', engine: 'command', argv } };
}

function fixture(name: string, ...args: string[]): Scenario {
  return stageOf(node, join(fixtures, `${name}.mjs`), ...args);
}

function subject(reaping: Reaping): EngineSubject {
  return {
    engine: commandEngine,
    pause: 'stopped',
    place: () =>
      openPlace(reaping, [
        [node, '...'],
        ['sh', '...'],
        ['echo', '...'],
      ]),
    succeed: () => Promise.resolve({ ...stageOf('echo', 'hello'), stream: 'stdout', text: 'hello\n' }),
    fail: () => Promise.resolve({ ...fixture('exit-n', '9'), outcome: { kind: 'exit', code: 9 } }),
    print: (_place, bytes) =>
      Promise.resolve({
        ...fixture('binary-output', String(Math.ceil(bytes / 256))),
        stream: 'stdout',
        isComplete: (printed) => printed.length >= bytes && printed.every((byte, at) => byte === at % 256),
      }),
    sleep: (_place, marker) =>
      Promise.resolve({ ...fixture('forever', marker), stream: 'stdout', text: 'ready' }),
    fork: (_place, marker) =>
      Promise.resolve({
        // Process groups only promise what has not lost its parent.
        ...(reaping === 'best_effort'
          ? stageOf('sh', '-c', 'setsid sleep "$0" & sleep "$0" & echo ready; wait', marker)
          : fixture('fork-grandchild', marker, 'stay')),
        stream: 'stdout',
        text: 'ready',
      }),
  };
}

for (const reaping of layers) describeEngine(`command under ${reaping}`, subject(reaping));

describe('the command engine', () => {
  const declared: Partial<Pipeline> = {
    inputs: {
      pattern: { type: 'string', description: '', required: true, max_length: 20 },
      count: { type: 'number', description: '', required: false, max_length: 1000 },
      mode: { type: 'string', description: '', required: false, enum: ['fast', '-slow'], max_length: 1000 },
    },
  };

  async function check(
    commands: string[][],
    argv: string[],
    inputs: RunSpec['inputs'] = {},
  ): Promise<unknown> {
    const config = configSchema.parse({ commands: commands.map((allowed) => ({ argv: allowed })) });
    const place: Place = { config, env: {}, startProcess: neverStarts };
    const { context } = makeContext(place, { ...stageOf(...argv), pipeline: declared, spec: { inputs } });
    return commandEngine.check(context.stage, context.pipeline, context.spec, context.config);
  }

  it('refuses what no entry allows, with the entry that would', async () => {
    await expect(check([['git', 'log']], ['git', 'log', '-p'], { pattern: 'x' })).rejects.toMatchObject({
      code: 'COMMAND_NOT_ALLOWED',
      next: 'To allow exactly this, add {"argv":["git","log","-p"]} to "commands" in the configuration.',
    });
    await check([['git', 'log']], ['git', 'log'], { pattern: 'x' });
  });

  it('keeps a program by name to the folder it really works in, such as a private copy', async () => {
    const config = configSchema.parse({ commands: [{ binary: 'cat' }] });
    const place: Place = { config, env: { PATH: path }, startProcess: neverStarts };
    const { context } = makeContext(place, { ...stageOf('cat', '/repo/a'), spec: { cwd: '/repo' } });
    await commandEngine.check(context.stage, context.pipeline, context.spec, config);
    expect((await commandEngine.start(context).done).outcome).toMatchObject({
      kind: 'engine',
      code: 'COMMAND_NOT_ALLOWED',
    });
  });

  it('puts values in as whole elements, whatever they hold', async () => {
    const place = await openPlace('best_effort', [['echo', '...']]);
    const argv = ['echo', '${inputs.pattern}', 'x${inputs.pattern}', '${inputs.count}', '${inputs.mode}'];
    const { context, chunks } = makeContext(place, {
      ...stageOf(...argv),
      pipeline: declared,
      spec: { inputs: { pattern: '$(id) `id`; id "', count: 3 } },
    });
    expect((await commandEngine.start(context).done).outcome).toEqual({ kind: 'exit', code: 0 });
    expect(Buffer.concat(chunks.get('stdout') ?? []).toString()).toBe(
      '$(id) `id`; id " x${inputs.pattern} 3\n',
    );
  });

  it('refuses a value that would be an option, unless an entry has it literally', async () => {
    const argv = ['grep', '${inputs.pattern}', '${inputs.mode}'];
    const open = [['grep', '...']];
    await check(open, argv, { pattern: 'a' });
    await expect(check(open, argv, { pattern: '-f/etc/shadow' })).rejects.toMatchObject({
      code: 'COMMAND_NOT_ALLOWED',
    });
    await expect(check(open, argv, { pattern: 'a', mode: '-slow' })).rejects.toMatchObject({
      code: 'COMMAND_NOT_ALLOWED',
    });
    await check([['grep', 'a', '-slow']], argv, { pattern: 'a', mode: '-slow' });
  });

  it.each([
    [{}, 'pattern'],
    [{ pattern: 5 }, 'pattern'],
    [{ pattern: 'x'.repeat(21) }, 'pattern'],
    [{ pattern: 'x\0y' }, 'pattern'],
    [{ pattern: 'x', mode: 'other' }, 'mode'],
    [{ pattern: 'x', unknown: 'y' }, 'unknown'],
  ])('refuses the inputs %j', async (inputs: RunSpec['inputs'], name) => {
    await expect(check([['grep', '...']], ['grep', '${inputs.pattern}'], inputs)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(name),
    });
  });

  it('refuses an input its pipeline does not declare, and a stage of another engine', async () => {
    await expect(check([['ls', '...']], ['ls', '${inputs.where}'], { pattern: 'x' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    const place: Place = { config: configSchema.parse({}), env: {}, startProcess: neverStarts };
    const { context } = makeContext(place, { stage: { name: 'one', engine: 'codex', prompt: 'x' } });
    await expect(
      commandEngine.check(context.stage, context.pipeline, context.spec, context.config),
    ).rejects.toMatchObject({ code: 'ENGINE_UNSUPPORTED' });
  });

  it('starts nothing that check() refuses', async () => {
    const place: Place = { config: configSchema.parse({}), env: { PATH: path }, startProcess: neverStarts };
    const session = commandEngine.start(makeContext(place, stageOf('echo')).context);
    expect((await session.done).outcome).toMatchObject({ kind: 'engine', code: 'COMMAND_NOT_ALLOWED' });
  });

  it('takes programs from the PATH of runs only, and none from the folder it works in', async () => {
    const place = await openPlace('best_effort', [['tool'], ['./tool'], ['missing']]);
    const outside = scratchFolder();
    const end = async (argv: string[], folders: (cwd: string) => string[]): Promise<unknown> => {
      const { context } = makeContext(place, stageOf(...argv));
      mkdirSync(join(context.cwd, 'bin'));
      copyFileSync('/bin/echo', join(context.cwd, 'bin', 'tool'));
      writeFileSync(join(context.cwd, 'tool'), '#!/bin/sh\n');
      chmodSync(join(context.cwd, 'tool'), 0o755);
      const env = { PATH: folders(context.cwd).join(':') };
      return (await commandEngine.start({ ...context, env }).done).outcome;
    };
    expect(await end(['missing'], () => ['/usr/bin', '/bin'])).toEqual({ kind: 'spawn', errno: 'ENOENT' });
    expect(await end(['./tool'], (cwd) => [cwd])).toEqual({ kind: 'spawn', errno: 'EACCES' });
    expect(await end(['tool'], (cwd) => [join(cwd, 'bin')])).toEqual({ kind: 'spawn', errno: 'EACCES' });
    expect(await end(['tool'], () => ['bin', '.', ''])).toEqual({ kind: 'spawn', errno: 'ENOENT' });
    const linked = await end(['tool'], (cwd) => {
      symlinkSync(join(cwd, 'bin', 'tool'), join(outside, 'tool'));
      return [outside];
    });
    expect(linked).toEqual({ kind: 'spawn', errno: 'EACCES' });
  });

  it('gives its own TMPDIR and nothing that is not of the context', async () => {
    const place = await openPlace('best_effort', [['env']]);
    const { context, chunks } = makeContext(place, stageOf('env'));
    await commandEngine.start(context).done;
    const lines = Buffer.concat(chunks.get('stdout') ?? [])
      .toString()
      .trim()
      .split('\n');
    expect(lines.sort()).toEqual(['LANG=C.UTF-8', `PATH=${path}`, `TMPDIR=${context.tmpDir}`]);
  });
});

function neverStarts(): never {
  throw new Error('Nothing is to be started.');
}
