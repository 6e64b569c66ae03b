import { randomUUID } from 'node:crypto';
import type { ParsedStep } from './script.ts';

/** One element of a response's `output`, as the Responses API names them. */
export type OutputItem = Record<string, unknown> & { type: string };

export interface MessageItem {
  item: OutputItem;
  /** Streamed in deltas before the item is done. */
  text: string | undefined;
}

const newId = (prefix: string): string => `${prefix}_${randomUUID().replaceAll('-', '')}`;

function message(text: string, phase?: string): MessageItem {
  const item = {
    type: 'message',
    id: newId('msg'),
    role: 'assistant',
    status: 'completed',
    ...(phase === undefined ? {} : { phase }),
    content: [{ type: 'output_text', text, annotations: [] }],
  };
  return { item, text };
}

function call(type: string, prefix: string, fields: Record<string, unknown>): MessageItem {
  const item = { type, id: newId(prefix), call_id: newId('call'), status: 'completed', ...fields };
  return { item, text: undefined };
}

const asJson = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** What one step answers with, in the order a model would send it. */
export function outputItems(step: ParsedStep): MessageItem[] {
  const items: MessageItem[] = [];
  if (step.reasoning !== undefined) {
    const summary = [{ type: 'summary_text', text: step.reasoning }];
    items.push({ item: { type: 'reasoning', id: newId('rs'), summary, content: null }, text: undefined });
  }
  if (step.preface !== undefined) items.push(message(step.preface, 'commentary'));
  if (step.shell !== undefined) {
    const parameters = typeof step.shell === 'string' ? { cmd: step.shell } : step.shell;
    items.push(call('function_call', 'fc', { name: 'exec_command', arguments: asJson(parameters) }));
  }
  if (step.patch !== undefined) {
    items.push(call('custom_tool_call', 'ctc', { name: 'apply_patch', input: step.patch }));
  }
  for (const { name, namespace, arguments: parameters } of step.calls ?? []) {
    const place = namespace === undefined ? {} : { namespace };
    items.push(call('function_call', 'fc', { name, ...place, arguments: asJson(parameters) }));
  }
  for (const custom of step.custom ?? []) items.push(call('custom_tool_call', 'ctc', custom));
  if (step.tool_search !== undefined) {
    const search = { execution: 'client', arguments: { query: step.tool_search } };
    items.push(call('tool_search_call', 'tsc', search));
  }
  for (const raw of step.items ?? []) items.push({ item: { type: 'message', ...raw }, text: undefined });
  if (step.say !== undefined) items.push(message(step.say.repeat(step.times ?? 1)));
  return items;
}
