import { codexEngine } from '../../servers/worker/engines/codex/engine.ts';
import { codexExecEngine } from '../../servers/worker/engines/codex/exec-engine.ts';
import { codexPlace } from '../helpers/codex-place.ts';
import { script, type Step } from '../scripted-model/script.ts';
import { describeEngine, type Scenario } from '../suites/engine.suite.ts';

const outcome = {
  kind: 'engine',
  message: 'We’re currently experiencing high demand, which may cause temporary errors.',
} as const;

function scenario(engine: 'codex' | 'codex-exec', ...steps: Step[]): Scenario {
  const stage = { name: 'codex', engine, prompt: '${prompt}' } as const;
  return { stage, spec: { prompt: script(...steps) } };
}

const asleep = (marker: string): string => `echo under way; sleep ${marker}`;
const forking = (marker: string): string =>
  `setsid sleep ${marker} & setsid sleep ${marker} & ${asleep(marker)}`;

describeEngine('codex', {
  engine: codexEngine,
  place: () => codexPlace(),
  succeed: async () => ({
    ...scenario('codex', { say: 'All done.' }),
    stream: 'last_message',
    text: 'All done.',
  }),
  fail: async () => ({
    ...scenario('codex', { status: 500 }),
    outcome: { ...outcome, code: 'internalServerError' },
  }),
  print: async (_, bytes) => ({
    ...scenario('codex', { shell: `head -c ${String(bytes)} /dev/zero | tr '\\0' x` }, { say: 'ok' }),
    stream: 'stdout',
    isComplete: (printed) => printed.equals(Buffer.alloc(bytes, 'x')),
  }),
  sleep: async (_, marker) => ({
    ...scenario('codex', { shell: asleep(marker) }),
    stream: 'stdout',
    text: 'under way',
  }),
  fork: async (_, marker) => ({
    ...scenario('codex', { shell: forking(marker) }),
    stream: 'stdout',
    text: 'under way',
  }),
  pause: 'turn_boundary',
});

describeEngine('codex-exec', {
  engine: codexExecEngine,
  place: () => codexPlace(),
  succeed: async () => ({
    ...scenario('codex-exec', { say: 'All done.' }),
    stream: 'last_message',
    text: 'All done.',
  }),
  fail: async () => ({ ...scenario('codex-exec', { status: 500 }), outcome: { ...outcome, code: 'other' } }),
  print: async (_, bytes) => ({
    ...scenario('codex-exec', { say: 'x'.repeat(1000), times: bytes / 1000, chunk: 1_000_000 }),
    stream: 'last_message',
    isComplete: (printed) => printed.equals(Buffer.alloc(bytes, 'x')),
  }),
  sleep: async (_, marker) => ({
    ...scenario('codex-exec', { shell: asleep(marker) }),
    stream: 'events',
    text: '"in_progress"',
  }),
  fork: async (_, marker) => ({
    ...scenario('codex-exec', { shell: forking(marker) }),
    stream: 'events',
    text: '"in_progress"',
  }),
  pause: 'turn_boundary',
});
