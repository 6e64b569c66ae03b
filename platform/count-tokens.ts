import { tokenPieces } from '../core/token-pieces.ts';

/** A counter by the o200k tokenizer, which takes 70 MB of the process that loads it: of none that stays. */
export async function loadTokenCounter(): Promise<(text: string) => number> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  return (text) => {
    let tokens = 0;
    for (const piece of tokenPieces(text)) tokens += countTokens(piece);
    return tokens;
  };
}
