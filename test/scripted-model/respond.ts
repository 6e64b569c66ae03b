import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { outputItems, type MessageItem } from './items.ts';
import { stepFor, type ParsedStep, type RequestBody } from './script.ts';

/** Server-sent events of one response, numbered as the Responses API numbers them. */
class EventStream {
  readonly #response: ServerResponse;
  #sequence = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get gone(): boolean {
    return this.#response.destroyed;
  }

  send(type: string, fields: Record<string, unknown>): void {
    if (this.gone) return;
    const data = JSON.stringify({ type, sequence_number: this.#sequence, ...fields });
    this.#sequence += 1;
    this.#response.write(`event: ${type}\ndata: ${data}\n\n`);
  }
}

async function sendItem(
  events: EventStream,
  entry: MessageItem,
  index: number,
  step: ParsedStep,
): Promise<void> {
  const { item, text } = entry;
  const opening = text === undefined ? item : { ...item, status: 'in_progress', content: [] };
  events.send('response.output_item.added', { output_index: index, item: opening });
  const size = step.chunk ?? 4096;
  for (let at = 0; text !== undefined && at < text.length && !events.gone; at += size) {
    const place = { item_id: item['id'], output_index: index, content_index: 0 };
    events.send('response.output_text.delta', { ...place, delta: text.slice(at, at + size) });
    if (step.chunk_ms !== undefined) await delay(step.chunk_ms);
  }
  events.send('response.output_item.done', { output_index: index, item });
}

function usageOf(step: ParsedStep, body: RequestBody): Record<string, unknown> {
  const usage = step.usage ?? {
    input_tokens: Math.ceil(JSON.stringify(body).length / 4),
    cached_tokens: 7,
    output_tokens: 11,
    reasoning_tokens: 3,
  };
  return {
    input_tokens: usage.input_tokens,
    input_tokens_details: { cached_tokens: usage.cached_tokens },
    output_tokens: usage.output_tokens,
    output_tokens_details: { reasoning_tokens: usage.reasoning_tokens },
    total_tokens: usage.input_tokens + usage.output_tokens,
  };
}

function refuse(response: ServerResponse, status: number, step: ParsedStep): void {
  response.writeHead(status, { 'content-type': 'application/json', ...step.headers });
  const error = { message: `scripted status ${String(status)}`, type: 'scripted', code: 'scripted' };
  response.end(JSON.stringify(step.body ?? { error }));
}

/** Answers `POST /v1/responses` with the step this request has come to. */
export async function respond(body: RequestBody, response: ServerResponse): Promise<void> {
  const step = stepFor(body);
  if (step.delay_ms !== undefined) await delay(step.delay_ms);
  if (step.hang === 'request') return;
  if (step.status !== undefined) {
    refuse(response, step.status, step);
    return;
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    ...step.headers,
  });
  const events = new EventStream(response);
  const base = { id: `resp_${randomUUID()}`, object: 'response', model: body.model, output: [] };
  events.send('response.created', { response: { ...base, status: 'in_progress' } });
  const items = outputItems(step);
  for (const [index, item] of items.entries()) await sendItem(events, item, index, step);
  if (step.hang === 'stream') return;
  if (step.drop === true) {
    response.destroy();
    return;
  }
  if (step.failed !== undefined) {
    events.send('response.failed', { response: { ...base, status: 'failed', error: step.failed } });
  } else {
    const output = items.map(({ item }) => item);
    const done = { ...base, status: 'completed', output, usage: usageOf(step, body) };
    events.send('response.completed', { response: done });
  }
  response.end();
}
