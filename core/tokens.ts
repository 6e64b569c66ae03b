/**
 * Upper-side estimate of o200k_base tokens: UTF-8 bytes / 2.5 (measured on log-like text), raised
 * where the text is made of what tokenizers split small: digits (three a token), punctuation, hex
 * and base64, characters outside the common scripts. Checked against the tokenizer by a test.
 */
export function estimateTokens(text: string): number {
  let bytes = 0;
  let pieces = 0;
  let previous: Kind = 'space';
  let run = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const size = utf8Bytes(code);
    bytes += size;
    const kind = kindOf(code);
    run = kind === previous || (kind === 'lower' && previous === 'upper') ? run + 1 : 1;
    pieces += weight(kind, run, size, previous);
    previous = kind;
  }
  return Math.ceil(Math.max(bytes / bytesPerToken, pieces));
}

const bytesPerToken = 2.5;

/** The same of log-like text that only its size is known of. */
export function estimateTokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken);
}

type Kind = 'space' | 'lower' | 'upper' | 'digit' | 'mark' | 'common' | 'rare';

function weight(kind: Kind, run: number, size: number, previous: Kind): number {
  switch (kind) {
    case 'space':
      return run === 2 ? 1 : 0;
    case 'digit':
      return run % 3 === 1 ? 1 : 0;
    case 'lower':
      return run === 1 ? firstLetter(previous) : run > 4 ? 0.1 : 0.05;
    case 'upper':
      return run === 1 ? firstLetter(previous) : 0.45;
    case 'mark':
      return run === 1 ? 0.9 : 0.6;
    case 'common':
      return size / 2;
    case 'rare':
      return size;
  }
}

/** Letters right behind a letter of the other case or a digit are seldom a word of their own. */
function firstLetter(previous: Kind): number {
  return previous === 'lower' || previous === 'digit' ? 1.25 : 1;
}

function kindOf(code: number): Kind {
  if (code < 0x80) {
    if (code >= 0x61 && code <= 0x7a) return 'lower';
    if (code === 0x20 || code === 0x0a || code === 0x09) return 'space';
    if (code >= 0x30 && code <= 0x39) return 'digit';
    if (code >= 0x41 && code <= 0x5a) return 'upper';
    return 'mark';
  }
  const common =
    code < 0xe80 || (code >= 0x2000 && code < 0xa000) || (code >= 0xac00 && code < 0xd7b0) || code === 0xfffd;
  return common ? 'common' : 'rare';
}

function utf8Bytes(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
