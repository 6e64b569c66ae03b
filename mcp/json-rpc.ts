import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { FleetError } from '../core/errors.ts';

/** Longest message on any transport. Longer than any reply of ours by far; an SDK peer gives up at 10 MiB. */
export const maxMessageBytes = 8 * 1024 * 1024;

/** Whether a serialised message is over the limit. A UTF-16 unit takes at most three bytes. */
export function isTooLong(json: string): boolean {
  return json.length * 3 > maxMessageBytes && Buffer.byteLength(json) > maxMessageBytes;
}

/** Refusing to send beats losing the connection and every call on it. */
export function tooLong(): FleetError {
  return new FleetError('INVALID_INPUT', `The call is longer than ${String(maxMessageBytes)} bytes.`, {
    next: 'Send less in one call: fewer runs, or shorter prompts.',
  });
}

/** Error codes of JSON-RPC 2.0, section 5.1. */
export const parseError = { code: -32_700, message: 'Parse error: not JSON.' } as const;
export const invalidRequest = {
  code: -32_600,
  message: 'Invalid request: not one JSON-RPC 2.0 message.',
} as const;
export const messageTooLong = {
  code: -32_600,
  message: `Invalid request: a message may have ${String(maxMessageBytes)} bytes.`,
} as const;

/** An error of ours; its `data` is the error body a tool would answer with. */
export const ownErrorCode = -32_050;

export interface RpcError {
  code: number;
  message: string;
}

/** An answer to something that had no id to answer to. */
export function rpcFailure(error: RpcError, id: string | number | null = null): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' || Number.isInteger(value);
}

function hasOnly(value: Record<string, unknown>, known: ReadonlySet<string>): boolean {
  for (const key in value) if (!known.has(key)) return false;
  return true;
}

const callKeys = new Set(['jsonrpc', 'id', 'method', 'params']);
const answerKeys = new Set(['jsonrpc', 'id', 'result', 'error']);

function hasUsableParams(params: unknown): boolean {
  if (params === undefined) return true;
  if (!isRecord(params)) return false;
  const meta = params['_meta'];
  if (meta === undefined) return true;
  if (!isRecord(meta)) return false;
  const token = meta['progressToken'];
  return token === undefined || isId(token);
}

/**
 * Whether a parsed line is one message the SDK's protocol layer will take. That layer drops any
 * other silently, and its own schema check costs more than the rest of a small call.
 */
export function isMessage(value: unknown): value is JSONRPCMessage {
  if (!isRecord(value) || value['jsonrpc'] !== '2.0') return false;
  if ('method' in value) {
    if (typeof value['method'] !== 'string' || !hasOnly(value, callKeys)) return false;
    return (!('id' in value) || isId(value['id'])) && hasUsableParams(value['params']);
  }
  if (!hasOnly(value, answerKeys)) return false;
  if ('result' in value) return isId(value['id']) && isRecord(value['result']);
  return isRecord(value['error']);
}

/** The id an answer to a broken request can still carry. */
export function idOf(value: unknown): string | number | null {
  return isRecord(value) && isId(value['id']) ? value['id'] : null;
}
