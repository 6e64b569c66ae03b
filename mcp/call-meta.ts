import { createHash } from 'node:crypto';
import { isRecord } from './json-rpc.ts';

/** Where the bridge and our client put `{id, cwd, depth}` of a call; other clients never send it. */
export const callMetaKey = 'codex-fleet/call';

export interface ReadMeta {
  callId: string | undefined;
  cwd: string | undefined;
  depth: number | undefined;
}

/** A call id may become a request key, which has at most this many characters. */
const maxIdLength = 200;

/**
 * What a client says of a call in `_meta`: Claude Code's `claudecode/toolUseId`, Codex's `callId`, which is
 * unique only within a turn of a thread, or else ours (`codex-fleet/call`). The client's own id comes
 * first: it stays the same when the client makes the call again by another bridge, whose ids are new.
 */
export function readCallMeta(meta: unknown): ReadMeta {
  if (!isRecord(meta)) return { callId: undefined, cwd: undefined, depth: undefined };
  const own = isRecord(meta[callMetaKey]) ? meta[callMetaKey] : {};
  const id = text(meta['claudecode/toolUseId']) ?? codexId(meta) ?? text(own['id']);
  return {
    callId: id === undefined ? undefined : bounded(id),
    cwd: text(own['cwd']),
    depth: natural(own['depth']),
  };
}

function codexId(meta: Record<string, unknown>): string | undefined {
  const callId = text(meta['callId']);
  if (callId === undefined) return undefined;
  const turn = meta['x-codex-turn-metadata'];
  const turnId = isRecord(turn) ? text(turn['turn_id']) : undefined;
  return [text(meta['threadId']), turnId, callId].filter((part) => part !== undefined).join('/');
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function natural(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}

function bounded(id: string): string {
  return id.length <= maxIdLength ? id : createHash('sha256').update(id).digest('hex');
}
