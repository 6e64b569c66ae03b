import { readMembers, readScalar, type JsonObject } from './json-members.ts';

export interface Request {
  kind: 'request';
  /** The id's own JSON text. */
  id: string;
  method: string;
  line: Buffer;
}

/** A JSON-RPC message as far as a bridge must know it. */
export type Message =
  | Request
  | { kind: 'notification'; method: string; line: Buffer }
  | { kind: 'response'; id: string; line: Buffer }
  /** Batches and anything that is no message: passed on untouched. */
  | { kind: 'other'; line: Buffer };

export function readMessage(line: Buffer): Message {
  const top = readMembers(line, 0);
  if (top === undefined) return { kind: 'other', line };
  const method = readScalar(line, top.members.get('method'));
  const id = readId(line, top);
  if (typeof method !== 'string')
    return id === undefined ? { kind: 'other', line } : { kind: 'response', id, line };
  return id === undefined ? { kind: 'notification', method, line } : { kind: 'request', id, method, line };
}

/** Whether a response tells of an error. */
export function isErrorResponse(line: Buffer): boolean {
  return readMembers(line, 0)?.members.has('error') === true;
}

function readId(line: Buffer, top: JsonObject): string | undefined {
  const id = readScalar(line, top.members.get('id'));
  return typeof id === 'string' || typeof id === 'number' ? JSON.stringify(id) : undefined;
}

/** The member of `params` at `key`, where it is a string, a number, true, false or null. */
export function readParam(line: Buffer, key: string): unknown {
  return readScalar(line, paramsOf(line)?.members.get(key));
}

/** The same of `params._meta`. */
export function readMeta(line: Buffer, key: string): unknown {
  const meta = paramsOf(line)?.members.get('_meta');
  const inner = meta === undefined ? undefined : readMembers(line, meta.start);
  return readScalar(line, inner?.members.get(key));
}

function paramsOf(line: Buffer): JsonObject | undefined {
  const params = readMembers(line, 0)?.members.get('params');
  return params === undefined ? undefined : readMembers(line, params.start);
}

/** What a coordinator is told of each call. */
export interface CallMeta {
  id: string;
  cwd?: string;
  depth: number;
}

/**
 * The same tools/call with `_meta["codex-fleet/call"]` added as the last member, which wins over a
 * value the caller put there. All other bytes stay as they are.
 */
export function addCallMeta(line: Buffer, call: CallMeta): Buffer {
  const inner = paramsOf(line);
  if (inner === undefined) return line;
  const member = `"codex-fleet/call":${JSON.stringify(call)}`;
  const meta = inner.members.get('_meta');
  const old = meta === undefined ? undefined : readMembers(line, meta.start);
  if (meta === undefined || old === undefined) return insertLast(line, inner, `"_meta":{${member}}`);
  return insertLast(line, old, member);
}

/** The same message under another id, given as JSON text. */
export function replaceId(line: Buffer, id: string): Buffer {
  const span = readMembers(line, 0)?.members.get('id');
  if (span === undefined) return line;
  return Buffer.concat([line.subarray(0, span.start), Buffer.from(id), line.subarray(span.end)]);
}

function insertLast(line: Buffer, object: JsonObject, member: string): Buffer {
  const text = object.members.size === 0 ? member : `,${member}`;
  return Buffer.concat([line.subarray(0, object.close), Buffer.from(text), line.subarray(object.close)]);
}
