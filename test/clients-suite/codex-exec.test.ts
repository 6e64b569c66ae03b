import { expect, it } from 'vitest';
import type { EngineContext } from '../../servers/worker/engines/engine.ts';
import { codexEngine } from '../../servers/worker/engines/codex/engine.ts';
import { codexExecEngine } from '../../servers/worker/engines/codex/exec-engine.ts';
import type { StartProcess } from '../../servers/worker/runner/process.ts';
import { codexPlace } from '../helpers/codex-place.ts';
import { startStage } from '../helpers/engine-context.ts';
import { script, type Step } from '../scripted-model/script.ts';
import type { Scenario } from '../suites/engine.suite.ts';

const stage = { name: 'codex', engine: 'codex-exec', prompt: '${prompt}' } as const;

function prompting(...steps: Step[]): Scenario {
  return { stage, spec: { prompt: script(...steps) } };
}

const usage = { input_tokens: 1000, cached_tokens: 5, output_tokens: 10 };

function inputTokens(stage: ReturnType<typeof startStage>): number {
  return stage.reports.reduce(
    (sum, report) => sum + (report.kind === 'usage' ? report.usage.input_tokens : 0),
    0,
  );
}

it('runs, resumes, counts only its own tokens, and says what it cannot do', async () => {
  const place = await codexPlace();
  const first = startStage(
    codexExecEngine,
    place,
    prompting({ shell: 'echo hello', usage }, { say: 'one', usage }),
  );
  expect(await first.session.done).toEqual({ outcome: { kind: 'exit', code: 0 } });
  expect(first.output('stdout')).toBe('hello\n');
  expect(first.output('last_message')).toBe('one');
  expect(inputTokens(first)).toBe(2000);
  expect(first.reports).toContainEqual({ kind: 'note', text: expect.stringContaining('no questions') });

  const thread = first.reports.find((report) => report.kind === 'thread');
  if (thread?.kind !== 'thread') throw new Error('No thread was reported.');
  const { cwd, tmpDir, homeDir }: EngineContext = first.context;
  const resume = { thread_id: thread.thread_id, message: script({ say: 'two', usage }) };
  const second = startStage(codexExecEngine, place, prompting(), { cwd, tmpDir, homeDir, resume });
  expect((await second.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
  expect(second.output('last_message')).toBe('two');
  expect(inputTokens(second)).toBe(1000);
});

it('marks what Codex cut', async () => {
  const place = await codexPlace();
  const run = startStage(codexExecEngine, place, prompting({ shell: 'seq 1 300000' }, { say: 'ok' }));
  expect((await run.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
  expect([...run.truncated]).toEqual(['stdout']);
});

it('names the failure of a turn', async () => {
  const place = await codexPlace();
  const run = startStage(codexExecEngine, place, prompting({ status: 429 }));
  expect((await run.session.done).outcome).toMatchObject({ kind: 'engine', code: 'rateLimitExceeded' });
});

it('refuses what it cannot hold to', async () => {
  const place = await codexPlace();
  const { context } = startStage(codexExecEngine, place, prompting({ say: 'ok' }));
  const { pipeline, spec, config } = context;
  await expect(
    codexExecEngine.check(stage, { ...pipeline, commands: 'allow-list' }, spec, config),
  ).rejects.toMatchObject({ code: 'ENGINE_UNSUPPORTED' });
  await expect(codexExecEngine.check(stage, pipeline, { ...spec, ask: true }, config)).rejects.toMatchObject({
    code: 'ENGINE_UNSUPPORTED',
  });
});

it('stands in where the app-server does not answer as known here', async () => {
  const place = await codexPlace();
  const mute: StartProcess = (spec, io) =>
    place.startProcess(spec.argv[1] === 'app-server' ? { ...spec, argv: ['/bin/true'] } : spec, io);
  const stateDir = place.home;
  expect(await codexEngine.probe({ ...place, startProcess: mute, stateDir })).toMatchObject({
    available: true,
  });
  const run = startStage(codexEngine, place, {
    stage: { ...stage, engine: 'codex' },
    spec: { prompt: script({ say: 'by exec' }) },
  });
  await codexEngine.check(run.context.stage, run.context.pipeline, run.context.spec, run.context.config);
  expect((await run.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
  expect(run.reports).toContainEqual({ kind: 'note', text: expect.stringContaining('ran by codex exec') });
});
