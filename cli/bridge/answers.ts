import { errorCodes, type ErrorCode } from '../../schemas/error-codes.ts';
import {
  fleetCapabilities,
  fleetInstructions,
  fleetServerName,
  protocolVersions,
} from '../../schemas/server-info.ts';
import { discovery, metaPrefix, statelessVersion } from '../../mcp/discovery.ts';
import { version } from '../../platform/version.ts';
import { readMeta, readParam } from './message.ts';

/** The answer to `initialize`, the same the coordinator would give. */
export function answerInitialize(id: string, request: Buffer): string {
  const asked = readParam(request, 'protocolVersion');
  return respond(id, 'result', {
    protocolVersion: protocolVersions.find((known) => known === asked) ?? protocolVersions[0],
    capabilities: fleetCapabilities,
    serverInfo: { name: fleetServerName, version },
    instructions: fleetInstructions,
  });
}

/** The answer to `server/discover`, likewise; undefined for a version the coordinator has to refuse. */
export function answerDiscover(id: string, request: Buffer): string | undefined {
  if (readMeta(request, `${metaPrefix}protocolVersion`) !== statelessVersion) return undefined;
  const serverInfo = { name: fleetServerName, version };
  const told = { serverInfo, capabilities: fleetCapabilities, instructions: fleetInstructions };
  return respond(id, 'result', discovery({ ...told, offersTasks: true }));
}

export interface Refusal {
  code: ErrorCode;
  message: string;
  next?: string;
}

/** The answer to a request no coordinator could be reached for. */
export function answerUnreachable(id: string, method: string, refusal: Refusal): string {
  const { retryable, next } = errorCodes[refusal.code];
  const body = { code: refusal.code, message: refusal.message, retryable, next: refusal.next ?? next };
  if (method !== 'tools/call') {
    return respond(id, 'error', { code: -32_000, message: `${body.message} ${body.next}` });
  }
  return respond(id, 'result', { content: [{ type: 'text', text: JSON.stringify(body) }], isError: true });
}

function respond(id: string, key: 'result' | 'error', value: unknown): string {
  return `{"jsonrpc":"2.0","id":${id},"${key}":${JSON.stringify(value)}}`;
}
