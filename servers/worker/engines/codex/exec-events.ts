import { z } from 'zod';

/** The events of `codex exec --json` that are used here, as of Codex 0.169. */
const tokens = z.looseObject({
  input_tokens: z.int(),
  cached_input_tokens: z.int(),
  output_tokens: z.int(),
  reasoning_output_tokens: z.int().default(0),
});
export type ExecTokens = z.infer<typeof tokens>;

const item = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('command_execution'), id: z.string(), aggregated_output: z.string() }),
  z.looseObject({ type: z.literal('agent_message'), id: z.string(), text: z.string() }),
]);

export const execEvent = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('thread.started'), thread_id: z.string() }),
  z.looseObject({ type: z.literal('item.completed'), item: z.unknown() }).transform((event) => ({
    ...event,
    known: item.safeParse(event.item).data,
  })),
  z.looseObject({ type: z.literal('turn.completed'), usage: tokens }),
  /** Before each time Codex asks the model again, too. */
  z.looseObject({ type: z.literal('error'), message: z.string() }),
  z.looseObject({ type: z.literal('turn.failed'), error: z.looseObject({ message: z.string() }) }),
]);
export type ExecEvent = z.infer<typeof execEvent>;

/** Tokens of this turn: the events count the whole thread, resumed turns included. */
export function tokensSince(total: ExecTokens, earlier: ExecTokens | undefined): ExecTokens {
  if (earlier === undefined) return total;
  return {
    input_tokens: total.input_tokens - earlier.input_tokens,
    cached_input_tokens: total.cached_input_tokens - earlier.cached_input_tokens,
    output_tokens: total.output_tokens - earlier.output_tokens,
    reasoning_output_tokens: total.reasoning_output_tokens - earlier.reasoning_output_tokens,
  };
}

export const execTokens = tokens;

/** `codex exec` reports errors as text only; what can be told from it, by the app-server's names. */
const knownFailures: readonly [RegExp, string][] = [
  [/usage limit/i, 'usageLimitExceeded'],
  [/\b429\b/, 'rateLimitExceeded'],
  [/context window/i, 'contextWindowExceeded'],
  [/\b401\b/, 'unauthorized'],
  [/stream disconnected/i, 'responseStreamDisconnected'],
];

export function failureCode(message: string): string {
  return knownFailures.find(([pattern]) => pattern.test(message))?.[1] ?? 'other';
}
