import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCodexParent, type FleetMount } from '../helpers/codex-parent.ts';
import { createFleet, programFile, type TestFleet } from '../helpers/fleet.ts';
import { script, type Step } from '../scripted-model/script.ts';
import { startScriptedModel, type ScriptedModel } from '../scripted-model/start.ts';

let fleet: TestFleet;
let model: ScriptedModel;
beforeEach(async () => {
  fleet = await createFleet();
  model = await startScriptedModel();
});
afterEach(async () => {
  await model.close();
  await fleet.close();
});

const namespace = 'mcp__fleet';

function batch(): Record<string, unknown> {
  const runs = ['languages', 'scripts', 'large-files'].map((stage) => ({
    pipeline: 'diagnostics',
    stages: [stage],
  }));
  return { task_id: 'parent', cwd: fleet.work, runs };
}
const poll = { task_id: 'parent', until: 'all', wait_ms: 20_000 };

/** The model calls each tool by a function call, pausing before the second one. */
function byFunctionCalls(pauseMs: number): Step[] {
  const call = (name: string, args: Record<string, unknown>): Step => ({
    calls: [{ name, namespace, arguments: args }],
  });
  return [
    call('start_run', batch()),
    { ...call('poll_run', poll), delay_ms: pauseMs },
    call('read_handle', { handle_id: '{{handle}}' }),
    { say: 'finished' },
  ];
}

/** The model writes one program that calls all three. */
function byCode(): Step[] {
  const program = [
    `const started = await tools.mcp__fleet__start_run(${JSON.stringify(batch())});`,
    `const polled = await tools.mcp__fleet__poll_run(${JSON.stringify(poll)});`,
    `const runs = polled.structuredContent.runs;`,
    `const handle_id = runs[0].handles[0].handle_id;`,
    `const page = await tools.mcp__fleet__read_handle({ handle_id });`,
    `text(JSON.stringify({ open: polled.structuredContent.open, states: runs.map((run) => run.status), page: page.structuredContent.text }));`,
  ].join('\n');
  return [{ custom: [{ name: 'exec', input: program }] }, { say: 'finished' }];
}

async function mounts(over: 'bridge' | 'http'): Promise<FleetMount> {
  if (over === 'bridge') return { command: process.execPath, args: [programFile, 'mcp'], env: fleet.env };
  const { code, stderr } = await fleet.cli('up');
  expect(code, stderr).toBe(0);
  return { url: await fleet.url(), bearer_token_env_var: 'FLEET_SECRET' };
}

async function parent(over: 'bridge' | 'http', slug: string, steps: Step[]) {
  const mount = await mounts(over);
  const secret = over === 'http' ? { FLEET_SECRET: await fleet.secret() } : {};
  return runCodexParent({
    home: join(fleet.home, 'parent'),
    cwd: fleet.work,
    model: slug,
    modelUrl: model.url,
    mount,
    prompt: script(...steps),
    env: { ...fleet.env, ...secret },
  });
}

describe.each(['bridge', 'http'] as const)('over %s', (over) => {
  test('a function-calling model starts a batch, polls it and reads a handle', async () => {
    const result = await parent(over, 'gpt-5.5', byFunctionCalls(0));
    expect(result.code, result.stdout + result.stderr).toBe(0);
    const seen = model.requests.at(-1)?.text ?? '';
    expect(seen.match(/\\"status\\":\\"completed\\"/g)?.length).toBeGreaterThanOrEqual(3);
    expect(seen).toContain('to_byte');
    expect(result.stdout).toContain('finished');
  });

  test('a code-writing model does the same in one program', async () => {
    const result = await parent(over, 'gpt-6.1-sol', byCode());
    expect(result.code, result.stdout + result.stderr).toBe(0);
    const seen = model.requests.at(-1)?.text ?? '';
    expect(seen).toContain('\\"open\\":0');
    expect(seen).toContain('\\"completed\\",\\"completed\\",\\"completed\\"');
  });

  test('two calls of one program are two, though they ask for the same', async () => {
    const one = JSON.stringify({ pipeline: 'diagnostics', stages: ['scripts'], cwd: fleet.work });
    const program = [
      `const start = () => tools.mcp__fleet__start_run(${one});`,
      `const replies = await Promise.all([start(), start()]);`,
      `replies.push(await start());`,
      `text('started ' + new Set(replies.map((reply) => reply.structuredContent.runs[0].run_id)).size);`,
    ].join('\n');
    const steps = [{ custom: [{ name: 'exec', input: program }] }, { say: 'finished' }];
    const result = await parent(over, 'gpt-6.1-sol', steps);
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(model.requests.at(-1)?.text).toContain('started 3');
  });

  test('the coordinator is killed and restarted between two calls, and the model notices nothing', async () => {
    const running = parent(over, 'gpt-5.5', byFunctionCalls(3_000));
    await model.request(({ text }) => text.includes('run_') && text.includes('function_call_output'));
    const before = await fleet.coordinatorPid();
    process.kill(before, 'SIGKILL');
    if (over === 'http') expect((await fleet.cli('up')).code).toBe(0);
    const result = await running;
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(await fleet.coordinatorPid()).not.toBe(before);
    const seen = model.requests.at(-1)?.text ?? '';
    expect(seen.match(/\\"status\\":\\"completed\\"/g)?.length).toBeGreaterThanOrEqual(3);
    expect(seen).not.toContain('tool call error');
    expect(seen).toContain('to_byte');
  });
});
