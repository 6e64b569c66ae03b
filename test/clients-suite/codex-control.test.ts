import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { codexEngine } from '../../servers/worker/engines/codex/engine.ts';
import type { StartProcess } from '../../servers/worker/runner/process.ts';
import { codexPlace } from '../helpers/codex-place.ts';
import {
  decisions,
  escalated,
  places,
  prompting,
  threadOf,
  usageOf,
  withoutNamespaces,
} from '../helpers/codex-run.ts';
import { startStage } from '../helpers/engine-context.ts';
import { script } from '../scripted-model/script.ts';

describe('the allow-list', () => {
  const allowed = { commands: [{ argv: ['ls'] }, { argv: ['echo', '...'] }] };

  it('accepts a plain command that is on it, and changes of files in the workspace', async () => {
    const place = await codexPlace({ config: allowed });
    // What the user's own Codex was once allowed for good.
    mkdirSync(join(place.userHome, 'rules'));
    writeFileSync(join(place.userHome, 'rules', 'default.rules'), 'prefix_rule(pattern=["touch"])\n');
    const inside = '*** Begin Patch\n*** Add File: new.txt\n+hi\n*** End Patch';
    const prompt = script(
      { shell: 'touch q' },
      { shell: 'ls' },
      { shell: "echo 'a  b' c" },
      { patch: inside },
      { say: 'ok' },
    );
    const run = startStage(codexEngine, place, prompting(prompt, { pipeline: { commands: 'allow-list' } }));
    expect((await run.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
    expect(decisions(run.reports)).toEqual([
      { asked: 'touch q', answer: 'declined', by: 'policy' },
      { asked: 'ls', answer: 'accepted', by: 'policy' },
      { asked: "echo 'a  b' c", answer: 'accepted', by: 'policy' },
      { asked: `change ${join(run.context.cwd, 'new.txt')}`, answer: 'accepted', by: 'policy' },
    ]);
    expect(run.output('stdout')).toContain('a  b c\n');
    expect(existsSync(join(run.context.cwd, 'new.txt'))).toBe(true);
  });

  it('declines everything else', async () => {
    const place = await codexPlace({ config: allowed });
    const commands = [
      'touch q',
      'ls && touch q',
      'ls; touch q',
      'ls | tee q',
      'echo $(touch q)',
      'echo `touch q`',
      'echo x > q',
      'X=1 ls',
      'ls\ntouch q',
      "l's'",
      'echo "$HOME"',
      'echo *',
      'echo ~',
      'echo {a,b}',
      'echo a\\ b',
      'ls &',
      'ls # q',
      'ls -la',
      '(ls)',
      '/bin/ls',
    ];
    const outside = join(place.home, 'outside.txt');
    const patches = [outside, '.git/hooks/pre-commit', '../up.txt'].map(
      (file) => `*** Begin Patch\n*** Add File: ${file}\n+hi\n*** End Patch`,
    );
    const prompt = script(
      ...commands.map((shell) => ({ shell })),
      { shell: escalated('ls') },
      ...patches.map((patch) => ({ patch })),
      { say: 'ok' },
    );
    const run = startStage(codexEngine, place, prompting(prompt, { pipeline: { commands: 'allow-list' } }));
    expect((await run.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
    expect(decisions(run.reports).filter(({ answer }) => answer === 'accepted')).toEqual([]);
    expect(decisions(run.reports).length).toBeGreaterThanOrEqual(commands.length + 1);
    expect(existsSync(join(run.context.cwd, 'q'))).toBe(false);
    expect(existsSync(outside)).toBe(false);
    expect(existsSync(join(run.context.cwd, '.git', 'hooks', 'pre-commit'))).toBe(false);
  });
});

describe('what the allow-list accepts', () => {
  it.each(['gpt-5.5', 'gpt-6.1-sol'])(
    'stays in the sandbox, whatever it asks for and meets: %s',
    async (modelName) => {
      const place = await codexPlace({ config: { commands: [{ argv: ['touch', '...'] }] }, modelName });
      const outside = ['told', 'kept out', 'plain'].map((name) => join(place.home, name.replace(' ', '-')));
      const readOnly = '/etc/codex-fleet-test';
      onTestFinished(() => {
        rmSync(readOnly, { force: true });
      });
      const calls = [
        { cmd: `touch ${String(outside[0])}`, sandbox_permissions: 'require_escalated' },
        { cmd: `touch ${String(outside[1])}` },
        { cmd: `touch ${readOnly}` },
      ];
      const steps =
        modelName === 'gpt-5.5'
          ? calls.map((call) => ({ shell: call }))
          : calls.map((call) => ({
              custom: [
                { name: 'exec', input: `await tools.exec_command(${JSON.stringify(call)}); text("x");` },
              ],
            }));
      const more = { pipeline: { commands: 'allow-list' } } as const;
      const run = startStage(codexEngine, place, prompting(script(...steps, { say: 'ok' }), more));
      expect((await run.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
      expect(decisions(run.reports).map(({ answer }) => answer)).toEqual([
        'accepted',
        'accepted',
        'accepted',
      ]);
      expect([...outside, readOnly].filter((file) => existsSync(file))).toEqual([]);
    },
  );
});

describe('the allow-list without a sandbox', () => {
  it('holds all the same', async () => {
    const place = await codexPlace({ config: { commands: [{ argv: ['echo', '...'] }] } });
    const startProcess: StartProcess = (spec, io) =>
      place.startProcess({ ...spec, argv: withoutNamespaces(spec.argv) }, io);
    await codexEngine.probe({ ...place, startProcess, stateDir: place.home });
    const outside = join(place.home, 'outside.txt');
    const patchOf = (file: string): string => `*** Begin Patch\n*** Add File: ${file}\n+hi\n*** End Patch`;
    const prompt = script(
      { shell: 'echo hello' },
      { shell: `echo x > ${outside}` },
      { shell: 'touch q' },
      { patch: patchOf(outside) },
      { patch: patchOf('new.txt') },
      { say: 'ok' },
    );
    const more = { pipeline: { commands: 'allow-list' } } as const;
    const run = startStage(codexEngine, place, prompting(prompt, more), { startProcess });
    expect((await run.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
    expect(decisions(run.reports).map(({ answer }) => answer)).toEqual([
      'accepted',
      'declined',
      'declined',
      'declined',
      'accepted',
    ]);
    expect(run.output('stdout')).toBe('hello\n');
    expect(existsSync(outside)).toBe(false);
    expect(existsSync(join(run.context.cwd, 'new.txt'))).toBe(true);
    expect(run.reports).toContainEqual({ kind: 'note', text: expect.stringContaining('without a sandbox') });
  });
});

describe('control', () => {
  it('pauses within a second, and goes on in a new process', async () => {
    const place = await codexPlace();
    const usage = { input_tokens: 1000, output_tokens: 10 };
    const prompt = script({ shell: 'echo under way; sleep 3600', usage }, { say: 'went on', usage });
    const run = startStage(codexEngine, place, prompting(prompt));
    await run.said('stdout', 'under way');
    const started = performance.now();
    expect(await run.session.pause()).toBe('turn_boundary');
    const pausedMs = performance.now() - started;
    process.stderr.write(`pause: ${String(Math.round(pausedMs))} ms\n`);
    expect(pausedMs).toBeLessThan(1000);
    expect((await run.session.done).outcome).toEqual({ kind: 'lost', resumable: true });

    const again = startStage(codexEngine, place, prompting(prompt), {
      ...places(run.context),
      resume: { thread_id: threadOf(run.reports), message: 'Go on, please.' },
    });
    expect((await again.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
    expect(again.output('last_message')).toBe('went on');
    expect(place.model.requests.at(-1)?.text).toContain('Go on, please.');
    expect(usageOf([...run.reports, ...again.reports])).toEqual({
      calls: place.model.requests.length,
      input: place.model.requests.length * 1000,
      output: place.model.requests.length * 10,
    });
  });

  it('resumes after its process was killed', async () => {
    const place = await codexPlace();
    let pid: number | undefined;
    const prompt = script({ shell: 'echo under way; sleep 3600' }, { say: 'went on' });
    const run = startStage(codexEngine, place, prompting(prompt), {
      startProcess: (spec, io) => {
        const started = place.startProcess(spec, io);
        pid = started.pid;
        void started.ended.then(() => (pid = undefined));
        return started;
      },
    });
    await run.said('stdout', 'under way');
    if (pid === undefined) throw new Error('No process.');
    process.kill(pid, 'SIGKILL');
    expect((await run.session.done).outcome).toEqual({ kind: 'signal', signal: 'SIGKILL' });
    const again = startStage(codexEngine, place, prompting(prompt), {
      ...places(run.context),
      resume: { thread_id: threadOf(run.reports), message: undefined },
    });
    expect((await again.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
    expect(again.output('last_message')).toBe('went on');
    expect(threadOf(again.reports)).toBe(threadOf(run.reports));
    for (const name of ['.codex', '.agents', '.aws', '.git']) {
      expect(existsSync(join(run.context.cwd, name))).toBe(false);
    }
  });

  it('steers a running turn', async () => {
    const place = await codexPlace();
    const run = startStage(
      codexEngine,
      place,
      prompting(script({ shell: 'echo under way; while [ ! -e go ]; do sleep 0.05; done' }, { say: 'ok' })),
    );
    await run.said('stdout', 'under way');
    await run.session.steer('Mind the gap.');
    writeFileSync(join(run.context.cwd, 'go'), '');
    expect((await run.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
    expect(place.model.requests.at(-1)?.text).toContain('Mind the gap.');
  });
});
