import { diffContents, type ByteSource } from '../../../../core/diff-contents.ts';
import { defaultDiffContext, diffStart, showDiffCursor } from '../../../../core/diff-cursor.ts';
import { FleetError } from '../../../../core/errors.ts';
import type { HandleReader } from '../handle-store.ts';
import { textBudget, type Found, type ReadCall } from './request.ts';

/** What changed from this handle to another one of the same store. */
export async function diff(call: ReadCall, store: HandleReader): Promise<Found> {
  const { input, content, pace } = call;
  const other = store.stat(input.other ?? '');
  if (other === undefined) throw new FleetError('NOT_FOUND', `There is no handle ${input.other ?? ''}.`);
  const newer: ByteSource = {
    size: other.bytes,
    read: (offset, length) =>
      store.read(other.handle_id, offset, Math.max(0, Math.min(length, other.bytes - offset))),
  };
  const from = diffStart(input.cursor);
  const context = input.context ?? defaultDiffContext;
  const found = await diffContents(content, newer, { from, context, budget: textBudget(call), ...pace });
  const { position, text, changed } = found;
  const more = position.a < content.size || position.b < newer.size;
  return {
    text,
    from: from.a,
    to: position.a,
    fromLine: from.lineA,
    toLine: Math.max(from.lineA, position.lineA - 1),
    hits: changed,
    cursor: more ? showDiffCursor(position) : undefined,
    ...(changed === 0 ? { next: 'They are the same from here to the end.' } : {}),
  };
}
