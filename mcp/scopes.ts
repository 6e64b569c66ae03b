import { highest } from '../core/trust/scopes.ts';
import type { Contract } from '../schemas/contract.ts';
import type { Scope } from '../schemas/principal.ts';
import { fleetContracts, workerContracts } from '../schemas/tools.ts';
import { isRecord } from './json-rpc.ts';

const tools = new Map<string, Contract>(Object.entries({ ...workerContracts, ...fleetContracts }));

/** What methods of our own begin with, notifications included: they are for those who run the fleet. */
const ownMethod = /^(?:notifications\/)?codex-fleet\//;

/** What the body of a POST takes, be it one message or a batch. */
export function scopeOf(body: unknown): Scope {
  return highest((Array.isArray(body) ? body : [body]).map(scopeOfMessage));
}

function scopeOfMessage(message: unknown): Scope {
  const method: unknown = isRecord(message) ? message['method'] : undefined;
  if (typeof method !== 'string') return isAnswer(message) ? 'run' : 'read';
  if (ownMethod.test(method)) return 'admin';
  if (method !== 'tools/call') return 'read';
  const params = isRecord(message) ? message['params'] : undefined;
  const name: unknown = isRecord(params) ? params['name'] : undefined;
  const tool = typeof name === 'string' ? tools.get(name) : undefined;
  return tool?.annotations.readOnlyHint === true && !writesFile(params) ? 'read' : 'run';
}

/** To a question, which may let a run do something; clients that may only look are asked none. */
function isAnswer(message: unknown): boolean {
  return isRecord(message) && ('result' in message || 'error' in message);
}

/** `read_handle` by `export`: what looks at nothing but runs writes into their folder then. */
function writesFile(params: unknown): boolean {
  const given = isRecord(params) ? params['arguments'] : undefined;
  return isRecord(given) && given['mode'] === 'export';
}
