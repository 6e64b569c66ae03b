import { indexedLines } from '../line-index.ts';
import { chunkBytes, type Content } from './content.ts';
import type { Pace } from '../../../../platform/pace.ts';
import { scanHits, type Hit, type SearchChunk } from './scan-hits.ts';

/** Bytes of a block of lines, about. */
const blockBytes = 4 * chunkBytes;
/** However short they are: each of them may be a hit. */
const maxLines = 16_384;

/** The last `want` hits before line `endLine`: block by block towards the beginning, each searched forwards. */
export async function lastHits(
  content: Content,
  { endLine, want }: { endLine: number; want: number },
  search: SearchChunk,
  pace: Pace,
): Promise<{ hits: Hit[]; fromLine: number; stuck: boolean }> {
  const { record, size } = content;
  const linesABlock =
    Math.max(1, Math.round((blockBytes * record.lines) / Math.max(1, size) / indexedLines)) * indexedLines;
  const step = Math.min(maxLines, linesABlock);
  let hits: Hit[] = [];
  let fromLine = endLine;
  while (fromLine > 1 && hits.length < want) {
    if (fromLine < endLine && !pace.mayGoOn()) break;
    const first = Math.max(1, fromLine - step);
    const from = await content.lineOffset(first);
    const to = await content.lineOffset(fromLine);
    const range = { from: { offset: from, at: 'line' }, to, want: Infinity, countOnly: false } as const;
    const block = await scanHits(content, range, search, pace);
    if (block.position.offset < to) return { hits, fromLine, stuck: true };
    fromLine = first;
    hits = block.hits.concat(hits);
    if (hits.length <= want) continue;
    hits = hits.slice(-want);
    const oldest = hits[0];
    if (oldest !== undefined) fromLine = await content.lineAt(oldest.at);
  }
  return { hits, fromLine, stuck: false };
}
