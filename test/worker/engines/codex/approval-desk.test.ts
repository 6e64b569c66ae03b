import { describe, expect, it } from 'vitest';
import type { EngineContext, EngineReport } from '../../../../servers/worker/engines/engine.ts';
import { ApprovalDesk } from '../../../../servers/worker/engines/codex/approval-desk.ts';
import { config } from '../../../../schemas/config.ts';
import { eventually } from '../../../helpers/processes.ts';
import { makeContext } from '../../../suites/engine.suite.ts';

const method = 'item/commandExecution/requestApproval';
const asked = { itemId: 'i', kind: 'command', command: "/bin/bash -c 'touch /x'", reason: 'why not' };

/** A desk, and all that it says to the worker and to Codex, in order. */
function open(changes: Partial<EngineContext> & { ask?: boolean; policy?: string } = {}) {
  const stage = { name: 's', engine: 'codex', prompt: 'p' } as const;
  const { ask = true, policy = 'ask', ...more } = changes;
  const place = {
    config: config.parse({
      questions: { policy },
      commands: [{ argv: ['touch', '...'] }, { binary: 'git' }],
    }),
    env: { PATH: '/usr/bin:/bin' },
    startProcess: () => {
      throw new Error('It starts nothing.');
    },
  };
  const { context } = makeContext(place, { stage, spec: { ask } });
  const said: string[] = [];
  const report = (one: EngineReport): void => {
    if (one.kind === 'question') said.push(one.question === undefined ? 'answered' : 'question');
    if (one.kind === 'decision') said.push(`${one.answer} by ${one.by}, ${one.escalation ?? 'ordinary'}`);
  };
  const desk = new ApprovalDesk({ ...context, report, ...more });
  const client = {
    respond: (_id: unknown, result: unknown) => said.push(`told ${JSON.stringify(result)}`),
    refuse: () => said.push('refused'),
  };
  const decide = (params: unknown = asked, what = method): Promise<void> =>
    desk.decide({ id: 1, method: what, params, client, changesOf: () => [] });
  const asking = (): Promise<void> => eventually(() => said.includes('question'), 2_000);
  return { desk, said, decide, asking };
}

describe('what Codex asks for beyond its sandbox', () => {
  it('is on record as asked, then as decided, and only then told to Codex', async () => {
    const { desk, said, decide, asking } = open();
    const decided = decide();
    await asking();
    expect(said).toEqual(['asked by nobody, sandbox', 'question']);
    desk.answer({ answer: 'accept', by: 'client' });
    await decided;
    expect(said.slice(2)).toEqual(['answered', 'accepted by client, sandbox', 'told {"decision":"accept"}']);
  });

  it.each<[string, Parameters<typeof open>[0], string]>([
    ['nobody may grant it', { escalationBar: () => 'No quotas.' }, 'declined by rule'],
    [
      'nobody may grant it, though it is on the list',
      { escalationBar: () => 'No quotas.', policy: 'accept-allow-listed' },
      'declined by rule',
    ],
    ['it is on the list', { policy: 'accept-allow-listed', ask: false }, 'accepted by policy'],
    ['the run does not ask', { ask: false }, 'declined by policy'],
    ['nobody is to be asked', { policy: 'decline' }, 'declined by policy'],
  ])('is decided without asking where %s', async (_, changes, decision) => {
    const { said, decide } = open(changes);
    await decide();
    const answer = decision.startsWith('accepted') ? 'accept' : 'decline';
    expect(said).toEqual([`${decision}, sandbox`, `told {"decision":"${answer}"}`]);
  });

  it('is never granted in a pipeline that keeps to a list of commands', async () => {
    const pipelines = {
      a: { commands: 'allow-list', stages: [{ name: 's', engine: 'codex', prompt: 'p' }] },
    };
    const { a: pipeline } = config.parse({ pipelines }).pipelines;
    const { said, decide } = open({ ...(pipeline !== undefined && { pipeline }) });
    await decide();
    expect(said).toEqual(['declined by rule, sandbox', 'told {"decision":"decline"}']);
  });

  it('is for git by name accepted by the list once its sandbox is known to hold', async () => {
    const pipelines = {
      a: { commands: 'allow-list', stages: [{ name: 's', engine: 'codex', prompt: 'p' }] },
    };
    const { a: pipeline } = config.parse({ pipelines }).pipelines;
    const { desk, said, decide } = open({ ask: false, ...(pipeline !== undefined && { pipeline }) });
    const git = { itemId: 'i', kind: 'command', command: "/bin/bash -c 'git status'" };
    await decide(git);
    desk.confine();
    await decide(git);
    expect(said.filter((line) => line.startsWith('told'))).toEqual([
      'told {"decision":"decline"}',
      'told {"decision":"accept"}',
    ]);
  });

  it('is no escalation where it gives no reason and its sandbox is shut: the parent is asked', async () => {
    const { desk, said, decide, asking } = open({ escalationBar: () => 'No quotas.' });
    const decided = decide({ ...asked, reason: null });
    await asking();
    desk.answer({ answer: 'accept', by: 'client' });
    await decided;
    expect(said).toEqual([
      'question',
      'answered',
      'accepted by client, ordinary',
      'told {"decision":"accept"}',
    ]);
  });

  it('is told as taken back where Codex no longer waits', async () => {
    const { desk, said, decide, asking } = open();
    const decided = decide();
    await asking();
    desk.notification('serverRequest/resolved', { requestId: 1 });
    await decided;
    expect(said.slice(2)).toEqual(['answered', 'declined by engine, sandbox']);
  });

  it.each([
    ['network', { ...asked, networkApprovalContext: { host: 'x' } }, method],
    ['permissions', { ...asked, additionalPermissions: { network: true } }, method],
    ['permissions', { command: 1 }, method],
    ['files', { itemId: 'i' }, 'item/fileChange/requestApproval'],
  ])('is named: %s', async (kind, params, what) => {
    const { said, decide } = open({ escalationBar: () => 'No quotas.' });
    await decide(params, what);
    expect(said[0]).toBe(`declined by rule, ${kind}`);
  });

  it('for a whole turn is declined', async () => {
    const { said, decide } = open();
    await decide({}, 'item/permissions/requestApproval');
    expect(said).toEqual(['declined by policy, permissions', 'told {"permissions":{},"scope":"turn"}']);
  });
});
