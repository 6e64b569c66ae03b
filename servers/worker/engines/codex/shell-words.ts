/**
 * Splits a command line as a POSIX shell splits words, quotes and backslashes taken away (XCU 2.2).
 * Only for text that was quoted word by word: operators and expansions are not understood.
 * Undefined where a quote is left open.
 */
export function shellWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote === undefined && (char === ' ' || char === '\t' || char === '\n')) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
      word ??= '';
    } else if (char === quote) {
      quote = undefined;
    } else if (char === '\\' && quote !== "'" && isEscape(quote, text.charAt(at + 1))) {
      at += 1;
      word = (word ?? '') + text.charAt(at);
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

function isEscape(quote: '"' | undefined, next: string): boolean {
  return quote === undefined ? next !== '' : next !== '' && '$`"\\'.includes(next);
}
