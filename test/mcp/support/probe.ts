import { EventEmitter, once } from 'node:events';
import { z } from 'zod';
import { FleetError } from '../../../core/errors.ts';
import { buildServer, type ServerFactory } from '../../../mcp/build-server.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import { createLogger, type Logger } from '../../../platform/log.ts';
import { defineContract } from '../../../schemas/contract.ts';

const annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

function probeContract<I extends z.ZodObject, O extends z.ZodObject>(
  input: I,
  output: O,
  example: { input: z.input<I>; output: z.input<O> },
) {
  return defineContract({
    title: 'Probe',
    description: 'A probe.',
    input,
    output,
    annotations,
    errors: [],
    example,
  });
}

const count = z.strictObject({ count: z.int() });

/** Tools that show what the server layer does with a call. */
export const probeContracts = {
  echo: probeContract(
    z.strictObject({
      text: z.string().max(1000),
      times: z.int().min(1).optional(),
      detail: z.boolean().optional(),
      nested: z.array(z.strictObject({ name: z.string() })).optional(),
    }),
    z.strictObject({ text: z.string(), next: z.string() }),
    { input: { text: 'a' }, output: { text: 'a', next: 'n' } },
  ),
  describe_call: probeContract(
    z.strictObject({}),
    z.strictObject({
      owner: z.string(),
      client: z.string(),
      call_id: z.string().optional(),
      cwd: z.string().optional(),
      depth: z.int().optional(),
    }),
    { input: {}, output: { owner: 'o', client: 'c' } },
  ),
  fail: probeContract(z.strictObject({ how: z.enum(['fleet', 'bug']) }), z.strictObject({}), {
    input: { how: 'bug' },
    output: {},
  }),
  /** Answers only by being aborted. */
  hang: probeContract(z.strictObject({}), z.strictObject({}), { input: {}, output: {} }),
  /** Waits until that many calls hang, or were aborted, or notes arrived. */
  await_hanging: probeContract(count, count, { input: { count: 1 }, output: { count: 1 } }),
  await_aborted: probeContract(count, count, { input: { count: 1 }, output: { count: 1 } }),
  await_notes: probeContract(count, z.strictObject({ notes: z.array(z.string()) }), {
    input: { count: 1 },
    output: { notes: ['a'] },
  }),
};
export type ProbeContracts = typeof probeContracts;

export interface Probe {
  factory: ServerFactory;
  /** Resolves when that many calls hang, or were aborted. */
  hanging: (count: number) => Promise<void>;
  aborted: (count: number) => Promise<void>;
}

export const noteMethod = 'notifications/probe/note';
export const secretOfBug = 'a secret inside a raw message';

export function createProbe(log: Logger = createLogger({ name: 'probe', level: 'silent' })): Probe {
  const seen = { hanging: 0, aborted: 0, notes: new Array<string>() };
  const changes = new EventEmitter().setMaxListeners(0);
  const until = async (reached: () => boolean): Promise<void> => {
    while (!reached()) await once(changes, 'change');
  };
  const hanging = (wanted: number): Promise<void> => until(() => seen.hanging >= wanted);
  const aborted = (wanted: number): Promise<void> => until(() => seen.aborted >= wanted);
  const handlers: Handlers<ProbeContracts> = {
    echo: ({ text, times }) => ({ text: text.repeat(times ?? 1), next: 'say it again' }),
    describe_call: (_input, { owner, client, callId, cwd, depth }) => ({
      owner,
      client: client.name,
      ...(callId === undefined ? {} : { call_id: callId }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(depth === undefined ? {} : { depth }),
    }),
    fail: ({ how }) => {
      if (how === 'fleet') throw new FleetError('NO_CAPACITY', 'No slot is free.', { next: 'Wait.' });
      throw new TypeError(secretOfBug);
    },
    hang: async (_input, { signal }) => {
      seen.hanging += 1;
      changes.emit('change');
      if (!signal.aborted) await once(signal, 'abort');
      seen.aborted += 1;
      changes.emit('change');
      return {};
    },
    await_hanging: async (input) => hanging(input.count).then(() => ({ count: seen.hanging })),
    await_aborted: async (input) => aborted(input.count).then(() => ({ count: seen.aborted })),
    await_notes: async (input) =>
      until(() => seen.notes.length >= input.count).then(() => ({ notes: seen.notes })),
  };
  const factory = buildServer({
    name: 'probe',
    version: '1.2.3',
    instructions: 'A probe of the server layer.',
    contracts: probeContracts,
    handlers,
    log,
    owner: 'jane',
    notifications: {
      [noteMethod]: (params) => {
        seen.notes.push(JSON.stringify(params));
        changes.emit('change');
      },
    },
  });
  return { factory, hanging, aborted };
}
