import { z } from 'zod';

const functionCall = z.strictObject({
  name: z.string(),
  /** MCP tools live in one, e.g. `mcp__fleet`. */
  namespace: z.string().optional(),
  arguments: z.union([z.string(), z.record(z.string(), z.unknown())]),
});

const customCall = z.strictObject({ name: z.string(), input: z.string() });

const tokenUsage = z.strictObject({
  input_tokens: z.int(),
  cached_tokens: z.int().default(0),
  output_tokens: z.int(),
  reasoning_tokens: z.int().default(0),
});

/** What the model answers to one request. Several of the first group may stand in one step. */
export const step = z.strictObject({
  reasoning: z.string().optional(),
  /** A message before the calls of this step. */
  preface: z.string().optional(),
  /** A shell command through Codex's own `exec_command`. */
  shell: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  /** A patch in Codex's own format through its `apply_patch`. */
  patch: z.string().optional(),
  calls: z.array(functionCall).optional(),
  custom: z.array(customCall).optional(),
  /** Searches the deferred tools. */
  tool_search: z.string().optional(),
  /** Raw output items, sent as they are. */
  items: z.array(z.record(z.string(), z.unknown())).optional(),
  say: z.string().optional(),
  /** How often `say` is repeated in the one message. */
  times: z.int().min(1).optional(),
  delay_ms: z.int().optional(),
  /** Characters of a message in one delta, and the pause between two. */
  chunk: z.int().min(1).optional(),
  chunk_ms: z.int().optional(),
  status: z.int().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().optional(),
  /** Never answers: before its headers, or in the middle of the stream. */
  hang: z.enum(['request', 'stream']).optional(),
  /** Cuts the connection in the middle of the stream. */
  drop: z.boolean().optional(),
  failed: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  usage: tokenUsage.optional(),
});
export type Step = z.input<typeof step>;
export type ParsedStep = z.output<typeof step>;

const contentPart = z.looseObject({ text: z.string().optional() });
const inputItem = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.union([z.string(), z.array(contentPart)]).nullish(),
});
export const requestBody = z.looseObject({
  model: z.string().optional(),
  input: z.union([z.string(), z.array(inputItem)]).optional(),
});
export type RequestBody = z.infer<typeof requestBody>;
type InputItem = z.infer<typeof inputItem>;

/** A prompt that makes the model follow these steps. */
export function script(...steps: Step[]): string {
  return `Follow the script. @@${JSON.stringify(steps)}@@`;
}

const inline = /@@(\[[\s\S]*\])@@/;

function textOf(item: InputItem): string {
  if (typeof item.content === 'string') return item.content;
  return (item.content ?? []).map((part) => part.text ?? '').join('\n');
}

/** Outputs that stand back to back were asked for by one answer of the model. */
function answersAfter(items: readonly InputItem[]): number {
  let answers = 0;
  let inOutputs = false;
  for (const item of items) {
    const isOutput = item.type?.endsWith('_output') === true;
    if (isOutput && !inOutputs) answers += 1;
    if (isOutput) inOutputs = true;
    else if (item.type?.endsWith('_call') === true || item.role === 'assistant') inOutputs = false;
  }
  return answers;
}

/**
 * The step that answers this request: the script is in the last user message that carries one, the
 * position is how many answers have been acted on since. Nothing is kept between requests, so any
 * number of runs may share one model.
 */
export function stepFor(body: RequestBody): ParsedStep {
  const items = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : (body.input ?? []);
  const at = items.findLastIndex((item) => item.role === 'user' && inline.test(textOf(item)));
  const item = items[at];
  const source = item === undefined ? undefined : inline.exec(textOf(item))?.[1];
  if (source === undefined) return { say: 'ok' };
  const filled = source.replaceAll('{{handle}}', lastHandle(items.slice(at + 1)));
  const steps = z.array(step).min(1).safeParse(safeJson(filled));
  if (!steps.success) return { say: `The script cannot be read: ${z.prettifyError(steps.error)}` };
  const position = Math.min(answersAfter(items.slice(at + 1)), steps.data.length - 1);
  return steps.data[position] ?? { say: 'ok' };
}

/** The handle a tool's answer named last: what `{{handle}}` in a script stands for. */
function lastHandle(items: readonly InputItem[]): string {
  return [...JSON.stringify(items).matchAll(/hdl_[A-Za-z0-9_-]{21}/g)].at(-1)?.[0] ?? '{{handle}}';
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
