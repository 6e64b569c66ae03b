import { randomBytes } from 'node:crypto';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { FleetError } from '../core/errors.ts';
import type { Logger } from '../platform/log.ts';
import type { Contract } from '../schemas/contract.ts';
import { maxDetailBytes, maxReplyBytes } from '../schemas/tools.ts';
import { isRecord } from './json-rpc.ts';

/** The first revision with structuredContent; before it the text has to be the whole reply. */
const firstStructuredVersion = '2025-06-18';

export interface ReplyContext {
  tool: string;
  contract: Contract;
  /** As negotiated; undefined where the client never initialized. */
  protocolVersion: string | undefined;
  links: readonly ReplyLink[];
}

/** A resource beside a reply. */
export interface ReplyLink {
  uri: string;
  name: string;
  size: number;
}

/**
 * The whole reply once: as structuredContent, with one line for people beside it, and links as far as
 * the reply has room for them.
 */
export function success(
  input: unknown,
  output: Record<string, unknown>,
  context: ReplyContext,
): CallToolResult {
  const json = JSON.stringify(output);
  const budget = replyBudget(context.contract, input);
  const bytes = Buffer.byteLength(json);
  if (bytes > budget) {
    throw new Error(`${context.tool} made a reply of ${String(bytes)} bytes; ${String(budget)} are allowed.`);
  }
  const { protocolVersion } = context;
  if (protocolVersion !== undefined && protocolVersion < firstStructuredVersion) {
    return { content: [{ type: 'text', text: json }] };
  }
  const content: CallToolResult['content'] = [{ type: 'text', text: summary(output, context.contract) }];
  let left = budget - bytes;
  for (const link of context.links.map(linkBlock)) {
    left -= Buffer.byteLength(JSON.stringify(link)) + 1;
    if (left >= 0) content.push(link);
  }
  return { content, structuredContent: output };
}

export function linkBlock(link: ReplyLink): ReplyLink & { type: 'resource_link' } {
  return { type: 'resource_link', ...link };
}

function summary(output: Record<string, unknown>, contract: Contract): string {
  const next = output['next'];
  return typeof next === 'string' ? next : contract.title;
}

function replyBudget(contract: Contract, input: unknown): number {
  if (isRecord(input) && input['detail'] === true) return maxDetailBytes;
  return contract.maxReplyBytes ?? maxReplyBytes;
}

/**
 * An error result: one line of JSON and no structuredContent, because SDK clients hold that against
 * the tool's outputSchema and throw. Only a FleetError's words are shown; of anything else the
 * caller gets a reference, and the log the rest.
 */
export function failure(error: unknown, tool: string, log: Logger): CallToolResult {
  const shown = toFleetError(error, tool, log);
  return { content: [{ type: 'text', text: JSON.stringify(shown.toBody()) }], isError: true };
}

/** What of an error may be shown: all of a FleetError, of any other a reference to the log. */
export function toFleetError(error: unknown, tool: string, log: Logger): FleetError {
  return error instanceof FleetError ? error : unexpected(error, tool, log);
}

function unexpected(error: unknown, tool: string, log: Logger): FleetError {
  const reference = randomBytes(6).toString('hex');
  log.error({ reference, tool, err: error }, 'a tool failed unexpectedly');
  return new FleetError('INTERNAL', `Something went wrong in ${tool} (reference ${reference}).`);
}
