import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claudeBinary, claudeEnvironment, settleClaude } from '../helpers/claude.ts';
import { createFleet, programFile, type TestFleet } from '../helpers/fleet.ts';
import { openTerminal, type Terminal } from '../helpers/terminal.ts';
import {
  startScriptedMessages,
  type Block,
  type ScriptedMessages,
  type Turn,
} from '../scripted-messages/start.ts';

const waiter = join(import.meta.dirname, '..', 'fixtures', 'bin', 'count-and-wait.mjs');
const patience = { timeout: 40_000, interval: 50 };

let fleet: TestFleet;
let model: ScriptedMessages;
let terminal: Terminal | undefined;
let gate: string;
let counter: string;

/** One run that waits for the gate; a person's `stop` stops its task. */
function answer({ said, results }: Turn): Block[] {
  const last = results.at(-1) ?? '';
  if (said.trim() === 'begin' && results.length === 0) {
    const input = { pipeline: 'wait', task_id: 'native', cwd: fleet.work, inputs: { gate, counter } };
    return [{ tool: 'mcp__fleet__start_run', input }];
  }
  if (said.trim() === 'stop' && results.length === 1) {
    return [{ tool: 'TaskStop', input: { task_id: /with task_id "(\w+)"/.exec(last)?.[1] ?? '' } }];
  }
  return [{ text: 'noted' }];
}

beforeEach(async () => {
  const argv = [process.execPath, waiter, '${inputs.counter}', '${inputs.gate}'];
  const inputs = { gate: { type: 'string', required: true }, counter: { type: 'string', required: true } };
  fleet = await createFleet({
    commands: [{ argv: [process.execPath, '...'], trust_arguments: true }],
    pipelines: { wait: { read_only: true, inputs, stages: [{ name: 'wait', engine: 'command', argv }] } },
  });
  execFileSync('git', ['init', '-q', fleet.work]);
  [gate, counter] = [join(fleet.work, 'gate'), join(fleet.work, 'counter')];
  model = await startScriptedMessages(answer);
});

afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
  await model.close();
  await fleet.close();
});

async function openClaude(...more: string[]): Promise<Terminal> {
  const env = claudeEnvironment(model.url, fleet.home);
  if (more.length === 0) settleClaude(env, fleet.work);
  const mcp = join(fleet.home, 'mcp.json');
  const server = { command: process.execPath, args: [programFile, 'mcp'], env: fleet.env };
  writeFileSync(mcp, JSON.stringify({ mcpServers: { fleet: server } }));
  const argv = [
    claudeBinary(),
    '--mcp-config',
    mcp,
    '--strict-mcp-config',
    '--allowedTools',
    'mcp__fleet',
    ...more,
  ];
  terminal = await openTerminal({
    socket: join(dirname(fleet.stateDir), 'tmux'),
    argv,
    cwd: fleet.work,
    env,
  });
  await terminal.shows(/^❯/m);
  return terminal;
}

/** The run's id, once its call was answered by a task and the run is under way. */
async function startedTask(): Promise<string> {
  const results = (): string => model.turns.flatMap((turn) => turn.results).join('\n');
  await expect.poll(results, patience).toMatch(/server-side task run_/);
  await expect.poll(begun, patience).toBe(1);
  return /server-side task (run_[\w-]{21})/.exec(results())?.[1] ?? '';
}

/** How often the run was executed. */
function begun(): number {
  try {
    return readFileSync(counter, 'utf8').trim().split('\n').length;
  } catch {
    return 0;
  }
}

/** What the client put into the conversation by itself. */
const notified = (): string | undefined =>
  model.turns.map(({ said }) => said).find((said) => said.includes('<task-notification>'));

async function expectDelivered(runId: string): Promise<void> {
  await expect.poll(notified, patience).toBeDefined();
  expect(notified()).toContain(`MCP task ${runId} (fleet/start_run) completed.`);
  const json = /<result>\s*(\{.*\})\s*<\/result>/s.exec(notified() ?? '')?.[1] ?? '{}';
  expect(JSON.parse(json)).toMatchObject({
    task_id: 'native',
    runs: [
      {
        run_id: runId,
        status: 'completed',
        outcome: 'exit 0',
        handles: [{ stream: 'stdout', lines: 2 }],
        preview: expect.stringContaining('2: ended'),
      },
    ],
  });
  expect(begun()).toBe(1);
  expect(model.unknownPaths).toEqual([]);
}

test('start_run becomes a task of Claude Code, delivered though the coordinator was killed', async () => {
  const claude = await openClaude();
  await claude.say('begin');
  const runId = await startedTask();
  await claude.shows(/1 MCP task/);
  const before = await fleet.coordinatorPid();
  process.kill(before, 'SIGKILL');
  // The bridge starts the next one.
  await expect.poll(() => fleet.coordinatorPid(), patience).not.toBe(before);
  writeFileSync(gate, '');
  await expectDelivered(runId);
}, 120_000);

test('a task outlives the session: --continue follows it again', async () => {
  const claude = await openClaude();
  await claude.say('begin');
  const runId = await startedTask();
  await claude.shows(/1 MCP task/);
  await claude.say('/exit');
  await claude.shows(/1\. .*[Ee]xit/);
  await claude.press('Enter');
  await claude.ended();
  expect(notified()).toBeUndefined();
  const again = await openClaude('--continue');
  await again.shows(/1 MCP task/);
  writeFileSync(gate, '');
  await expectDelivered(runId);
}, 120_000);

test('stopping the task cancels the run', async () => {
  const claude = await openClaude();
  await claude.say('begin');
  await startedTask();
  await claude.say('stop');
  const state = async (): Promise<string> => (await fleet.cli('poll', 'native', '--json')).stdout;
  await expect.poll(state, { ...patience, interval: 500 }).toContain('"cancelled"');
}, 120_000);
