import { describe, expect, it } from 'vitest';
import { escalationBar, tellEscalations, wordsOfQuestion, type HeldBy } from '../../core/escalation.ts';
import { limitLayers, type LimitState } from '../../schemas/limits.ts';
import type { Decision } from '../../schemas/manifest.ts';

const enforced: LimitState[] = limitLayers.map((layer) => ({ layer, state: 'enforced' }));
const held: HeldBy = {
  limits: { memory_bytes: 1e9, processes: 100 },
  states: enforced,
  reaping: 'pid_namespace',
};

function statesWith(layer: LimitState['layer'], state: LimitState['state'], why: string): LimitState[] {
  return enforced.map((one) => (one.layer === layer ? { layer, state, why } : one));
}

describe('a run may get more than it was started with', () => {
  it('where memory and processes are bounded and all its limits are enforced', () => {
    expect(escalationBar(held)).toBe(undefined);
    expect(escalationBar({ ...held, reaping: 'cgroup' })).toBe(undefined);
    expect(escalationBar({ ...held, limits: { ...held.limits, cpu_ms: 1000, open_files: 64 } })).toBe(
      undefined,
    );
    expect(escalationBar({ ...held, states: statesWith('cpu', 'missing', 'x') })).toBe(undefined);
  });

  it.each<[string, Partial<HeldBy>, RegExp]>([
    ['no limits', { limits: undefined }, /no limit of memory_bytes and processes: set both/],
    ['no limit of processes', { limits: { memory_bytes: 1e9 } }, /no limit of processes/],
    ['no limit of memory', { limits: { processes: 9 } }, /no limit of memory_bytes/],
    [
      'memory only looked at',
      { states: statesWith('memory', 'degraded', 'no cgroup can be made') },
      /Delegate=yes/,
    ],
    [
      'processes not held',
      { states: statesWith('processes', 'missing', 'no /proc') },
      /processes is missing \(no \/proc\)/,
    ],
    ['limits never tried', { states: [] }, /never tried/],
    [
      'another limit it has not held',
      { limits: { ...held.limits, cpu_cores: 1 }, states: statesWith('cpu_rate', 'missing', 'no cgroup') },
      /cpu_rate is missing/,
    ],
    [
      'a sum of disk bytes, which nothing enforces',
      { limits: { ...held.limits, disk_bytes: 1e6 }, states: statesWith('disk', 'degraded', 'added up') },
      /only a run without one/,
    ],
    ['processes that may be missed', { reaping: 'best_effort' }, /best_effort/],
  ])('not with %s', (_, changes, why) => {
    expect(escalationBar({ ...held, ...changes })).toMatch(why);
  });
});

const asked: Decision = { at: 1, asked: 'x', answer: 'asked', by: 'nobody', escalation: 'sandbox' };

it('a run tells what became of them, and the latest rule', () => {
  expect(tellEscalations([{ at: 1, asked: 'ls', answer: 'accepted', by: 'policy' }])).toBe(undefined);
  expect(tellEscalations([asked, { ...asked, answer: 'accepted', by: 'client' }])).toBe(
    '1 granted, 1 unanswered',
  );
  expect(
    tellEscalations([
      { ...asked, answer: 'declined', by: 'rule', why: 'Old.' },
      { ...asked, answer: 'declined', by: 'rule', why: 'New.' },
    ]),
  ).toBe('2 declined. New.');
});

it('a question says in our words what it asks for, and shows those of a worker', () => {
  const text = 'ls\u202e\u001b[31m';
  expect(wordsOfQuestion({ kind: 'command', text })).toBe('ls<U+202E>');
  expect(wordsOfQuestion({ kind: 'command', text, escalation: 'sandbox' })).toBe(
    'To run outside its sandbox: ls<U+202E>',
  );
});
