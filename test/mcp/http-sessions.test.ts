import { beforeEach, expect, it } from 'vitest';
import { createHttpSessions, type HttpSessions } from '../../mcp/http-sessions.ts';
import { createProbe } from './support/probe.ts';

const jane = { owner: 'jane', scope: 'run' as const };
let nowMs: number;
let counts: number[];
let sessions: HttpSessions;

beforeEach(() => {
  nowMs = 1_000;
  counts = [];
  sessions = createHttpSessions({
    factory: createProbe().factory,
    ttlMs: 100,
    maxSessions: 2,
    now: () => nowMs,
    onChange: (count) => counts.push(count),
  });
});

it('ends a session at its time, and not before', async () => {
  const { id } = await sessions.create(jane);
  nowMs += 99;
  sessions.sweep();
  expect(sessions.get(id, jane)).toBeDefined();
  nowMs += 1;
  sessions.sweep();
  expect(sessions.get(id, jane)).toBeUndefined();
  expect(counts).toEqual([1, 0]);
});

it('makes room by ending the one unused for longest', async () => {
  const first = await sessions.create(jane);
  nowMs += 1;
  const second = await sessions.create(jane);
  nowMs += 1;
  const third = await sessions.create(jane);
  expect([first, second, third].map(({ id }) => sessions.get(id, jane) !== undefined)).toEqual([
    false,
    true,
    true,
  ]);
  await sessions.closeAll();
  expect(counts.at(-1)).toBe(0);
});

it('makes no room at the expense of one in use', async () => {
  const first = await sessions.create(jane);
  first.open += 1;
  nowMs += 1;
  const second = await sessions.create(jane);
  nowMs += 1;
  await sessions.create(jane);
  expect(sessions.get(first.id, jane)).toBeDefined();
  expect(sessions.get(second.id, jane)).toBeUndefined();
  await sessions.closeAll();
});

it('shows a session to nobody but who began it', async () => {
  const { id } = await sessions.create(jane);
  expect(sessions.get(id, { owner: 'joe', scope: 'run' })).toBeUndefined();
  expect(sessions.get(id, { owner: 'jane', scope: 'admin' })).toBeUndefined();
  expect(sessions.get(id, { owner: 'jane', scope: 'read' })).toBeDefined();
  await sessions.closeAll();
});
