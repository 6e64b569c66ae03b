/**
 * What may pass from a worker's output into a model's context: the visible text. Terminal sequences
 * (ECMA-48 CSI, OSC and other strings, escapes) go, as do characters that take no place and could
 * carry hidden text (Unicode Default_Ignorable_Code_Point: zero-width, tags, variation selectors).
 * What changes how other text is read is shown: control characters as pictures or `\x9b`, bidi
 * controls and line separators as `<U+202E>`, a lone CR as ␍, half a surrogate pair as U+FFFD. CR LF becomes LF; LF and TAB stay.
 *
 * Never lets an escape span a line end, so that a text may be cut at any line end first. Linear in
 * the length of the text; sanitize(sanitize(t)) = sanitize(t).
 */
export function sanitize(text: string): string {
  return harmless.test(text) ? text : text.replace(suspect, shown);
}

const harmless = /^[\t\n -~]*$/;

// Order matters: sequences first, then single characters. Classes that follow each other in a
// repetition are disjoint and stop at any control character, so nothing is scanned more than twice.
const suspect = new RegExp(
  [
    '\\r\\n',
    '(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]',
    '(?:\\x1b[\\]PX^_]|[\\x9d\\x90\\x98\\x9e\\x9f])[^\\p{Cc}]*(?:\\x07|\\x1b\\\\|\\x9c)',
    '\\x1b[ -/]*[0-~]?',
    '(?![\\t\\n])\\p{Cc}',
    '\\p{Surrogate}',
    '[\\p{Bidi_Control}\\u2028\\u2029]',
    '[\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb]',
  ].join('|'),
  'gu',
);

const bidiOrSeparator = /[\p{Bidi_Control}\u2028\u2029]/u;

function shown(found: string): string {
  if (found === '\r\n') return '\n';
  if (found.length > 1 || found === '\x1b') return '';
  const code = found.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  if (code < 0xa0) return `\\x${code.toString(16)}`;
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  return bidiOrSeparator.test(found) ? `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>` : '';
}
