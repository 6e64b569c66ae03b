import { diffContents } from '../../core/diff-contents.ts';
import { defaultDiffContext, diffStart, showDiffCursor } from '../../core/diff-cursor.ts';
import type { Input } from '../../mcp/handlers.ts';
import { createPace } from '../../platform/pace.ts';
import { maxPageBytes, maxReplyBytes, type RunContracts } from '../../schemas/tools.ts';
import type { Page, RemoteHandle } from '../../core/remote-bytes.ts';
import { remoteSource } from './remote-source.ts';

/** What every field of a reply but its text takes at most. */
const reservedBytes = 1536;
/** Over connections a window takes longer than on the worker itself. */
const defaultMs = 3_000;

/** Compares handles of two workers, which neither could alone: reads both by range, a window at a time. */
export async function diffAcross(
  input: Input<RunContracts['read_handle']>,
  older: RemoteHandle,
  newer: RemoteHandle,
): Promise<Page> {
  const [a, b] = [await remoteSource(older), await remoteSource(newer)];
  const from = diffStart(input.cursor);
  const { text, changed, position } = await diffContents(a.source, b.source, {
    from,
    context: input.context ?? defaultDiffContext,
    budget: (input.count === undefined ? maxReplyBytes : maxPageBytes) - reservedBytes,
    ...createPace(input.wait_ms ?? defaultMs, older.signal),
  });
  const more = position.a < a.source.size || position.b < b.source.size;
  const { from_line: _, to_line: __, ...page } = a.page;
  const reply = {
    ...page,
    text,
    encoding: 'utf8' as const,
    hits: changed,
    from_byte: from.a,
    to_byte: position.a,
  };
  if (!more) {
    return {
      ...reply,
      next: changed === 0 ? 'They are the same from here to the end.' : 'That is all of it.',
    };
  }
  const cursor = showDiffCursor(position);
  return { ...reply, cursor, next: `read_handle ${JSON.stringify({ ...input, cursor })}` };
}
