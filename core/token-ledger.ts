/** How many tokens, and whether all of the text was counted or a part of it. */
export interface TokenCount {
  tokens: number;
  method: 'exact' | 'sampled';
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

export function addCounts(counts: readonly TokenCount[]): TokenCount {
  return {
    tokens: counts.reduce((sum, { tokens }) => sum + tokens, 0),
    method: counts.every(({ method }) => method === 'exact') ? 'exact' : 'sampled',
  };
}
