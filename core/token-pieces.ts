/** A tokenizer's time rises with the square of a text it finds no place to cut in. */
const longest = 4_096;

/**
 * A text cut where the o200k tokenizer cuts it in any case, behind a letter or digit and before a sign, so
 * that the tokens of the pieces add up to those of the text. Where such a place is not found in 4,096
 * characters it is cut between two of them: a token or two more.
 */
export function* tokenPieces(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const to = text.length - from <= longest ? text.length : cutBefore(text, from);
    yield text.slice(from, to);
    from = to;
  }
}

function cutBefore(text: string, from: number): number {
  for (let at = from + longest; at > from; at -= 1) {
    if (isWord(text.charCodeAt(at - 1)) && isSign(text.charCodeAt(at))) return at;
  }
  const end = from + longest;
  const isInPair = (text.codePointAt(end - 1) ?? 0) > 0xffff;
  return isInPair ? end - 1 : end;
}

function isWord(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

/** ASCII that is no part of a word; an apostrophe may be ("don't"). */
function isSign(code: number): boolean {
  return code < 0x80 && code !== 0x27 && !isWord(code);
}
