import { setImmediate as nextTurn } from 'node:timers/promises';
import { tokenPieces } from '../core/token-pieces.ts';

export type CountTokens = (text: string) => Promise<number>;

/** Pieces counted in one go, so that calls are served in between: about 10 ms. */
const slicePieces = 16;

/** A counter by the o200k tokenizer, which takes 70 MB of the process that loads it: of none that stays. */
export async function loadTokenCounter(): Promise<CountTokens> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  return async (text) => {
    let tokens = 0;
    let pieces = 0;
    for (const piece of tokenPieces(text)) {
      tokens += countTokens(piece);
      pieces += 1;
      if (pieces % slicePieces === 0) await nextTurn();
    }
    return tokens;
  };
}
