import type { TokenCount, ToldCounts } from '../schemas/manifest.ts';

/** What reached agents of a run; as it is written, what came to it since the last time. */
export interface ToldRow {
  run_id: string;
  /** Replies, and the bytes of what they say of this run. */
  replies: number;
  bytes: number;
  /** Of those, bytes whose tokens were counted, and these. */
  counted_bytes: number;
  tokens: number;
  /** Tokens of all it put out, had that been answered inline; where they were counted. */
  inline: TokenCount | undefined;
}

export function nothingTold(runId: string): ToldRow {
  return { run_id: runId, replies: 0, bytes: 0, counted_bytes: 0, tokens: 0, inline: undefined };
}

/** As it is shown. */
export function toldCountsOf({ run_id: _run, inline, ...counts }: ToldRow): ToldCounts {
  return { ...counts, ...(inline !== undefined && { inline }) };
}

export function addTold(known: ToldRow, more: ToldRow): ToldRow {
  return {
    run_id: known.run_id,
    replies: known.replies + more.replies,
    bytes: known.bytes + more.bytes,
    counted_bytes: known.counted_bytes + more.counted_bytes,
    tokens: known.tokens + more.tokens,
    inline: more.inline ?? known.inline,
  };
}

/** An output up to this size is counted whole. */
export const exactBytes = 256 * 1024;
const stretches = 16;
const stretchBytes = 16 * 1024;

/** Which stretches of an output are counted: all of a small one, of others some spread over it evenly. */
export function countedStretches(bytes: number): { from: number; to: number }[] {
  if (bytes === 0) return [];
  if (bytes <= exactBytes) return [{ from: 0, to: bytes }];
  return Array.from({ length: stretches }, (_, at) => {
    const from = Math.floor(((bytes - stretchBytes) * at) / (stretches - 1));
    return { from, to: from + stretchBytes };
  });
}

/** The count of all, from that of a part. */
export function scaleUp(tokens: number, { of, counted }: { of: number; counted: number }): TokenCount {
  if (counted >= of) return { tokens, method: 'exact' };
  return { tokens: counted === 0 ? 0 : Math.round((tokens / counted) * of), method: 'sampled' };
}

/** The event log repeats what the other streams say. */
export function isOutput({ stream }: { stream: string }): boolean {
  return stream !== 'events';
}

/** Counts an output of so many bytes by what `read` answers of it. */
export async function countStretches(
  bytes: number,
  read: (from: number, to: number) => Promise<Uint8Array>,
  count: (text: string) => Promise<number>,
): Promise<TokenCount> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let tokens = 0;
  let counted = 0;
  for (const { from, to } of countedStretches(bytes)) {
    const part = await read(from, to);
    tokens += await count(decoder.decode(part));
    counted += part.length;
  }
  return scaleUp(tokens, { of: bytes, counted });
}

export function addCounts(counts: readonly TokenCount[]): TokenCount {
  return {
    tokens: counts.reduce((sum, { tokens }) => sum + tokens, 0),
    method: counts.every(({ method }) => method === 'exact') ? 'exact' : 'sampled',
  };
}
