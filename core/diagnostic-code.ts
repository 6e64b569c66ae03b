/** Bytes looked at behind the error word, and at the end of its line. */
const behindBytes = 32;
const endBytes = 48;

/** `error TS2322:`, `error[E0308]:`, `error CS0103:`, `error C2065:`. */
const behindWord = /^error(?: ?\[| |: )([A-Z]{1,6}\d{2,6})\b/i;
/** `[-Werror=return-type]` of gcc and clang, `[no-untyped-def]` of mypy. */
const inBrackets = /\[(-W[\w+=-]{2,40}|[a-z][a-z-]{2,32})\]\s*$/;
/** `  12:5  error  'x' is not defined  no-undef` of eslint: the rule stands last. */
const lastWord = /\s{2}(@?[a-z][\w/-]{2,40})\s*$/;

/**
 * The code a compiler or linter gives the error of the line `[from, to)`, whose error word begins at
 * `word`: what errors of one kind have in common, whatever they say and wherever they are.
 */
export function diagnosticCode(bytes: Buffer, from: number, to: number, word: number): string | undefined {
  if (((bytes[word] ?? 0) | 0x20) !== 0x65) return undefined;
  const behind = bytes.toString('latin1', word, Math.min(to, word + behindBytes));
  const direct = behindWord.exec(behind)?.[1];
  if (direct !== undefined) return direct;
  if (!/^error[: ]/i.test(behind)) return undefined;
  const end = bytes.toString('latin1', Math.max(from, word, to - endBytes), to);
  return inBrackets.exec(end)?.[1] ?? (behind.startsWith('error  ') ? lastWord.exec(end)?.[1] : undefined);
}
