import { alphanumeric, base64Mark, is, underscore } from '../characters.ts';
import type { View } from '../view.ts';
import { matchAt, type Anchor, type Detector, type Found } from './detector.ts';
import { entropy, isPlaceholder, isRandom } from './entropy.ts';
import { services, strongWords, weakWords } from './secret-words.ts';

const rank = 50;

/** What is set to a name that says it is secret, in any of the ways that programs and their output set values. */
export const assignmentDetector: Detector = {
  anchors: [...new Set([...strongWords, ...weakWords, ...services])].map((text): Anchor => ({
    text,
    check: mayAssign,
  })),
  find: (view, start, end) => assignmentAt(view, start, end),
};

const strong: ReadonlySet<string> = new Set(strongWords);
const service: ReadonlySet<string> = new Set(services);

/** Cheap: a mark that can set a value within the rest of the name and a few more bytes. */
function mayAssign(bytes: Uint8Array, start: number, end: number): boolean {
  // `--password …`, `Bearer …`
  if (bytes[start - 1] === 0x2d || (bytes[end] === 0x20 && isScheme(bytes, start))) return true;
  const most = Math.min(bytes.length, end + 48);
  let blanks = 0;
  for (let at = end; at < most; at += 1) {
    const role = roles[bytes[at] ?? 0];
    if (role === inName) continue;
    if (role !== between) return role === sets;
    // `token = …`, `Token string = …`: a word or two may stand between, and values that are set in a column.
    if (roles[bytes[at - 1] ?? 0] !== between) blanks += 1;
    if (blanks > 3) return false;
  }
  return most === bytes.length;
}

/** What a byte after the word may be: a part of the name, a blank, or a mark that sets a value, closes the name before one that does, or may hide either. */
const [inName, between, sets] = [1, 2, 3];
const roles = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1)
  if (is(byte, alphanumeric | underscore | base64Mark) || byte === 0x2e) roles[byte] = inName;
roles[0x20] = between;
roles[0x09] = between;
for (const byte of Buffer.from('=:>,"\'`]\\%&|?\x1b')) roles[byte] = sets;

/** `bearer` and `basic` begin with a b, in either case; `password`, `pass` with a p. */
function isScheme(bytes: Uint8Array, start: number): boolean {
  const first = (bytes[start] ?? 0) | 0x20;
  return first === 0x62 || first === 0x70;
}

const name = String.raw`[\w.-]{0,40}?`;
const type = String.raw`(?:[ \t]{0,2}:?[ \t]{0,2}(?:string|str|&(?:'static )?str|text|varchar\(\d+\)))?`;
const setter = String.raw`[ \t]{0,20}(?:value=|=>|\?\?=|\|\|:?=?|\?=|[.+]=|:{1,3}=|={1,3}|::?|>|,)[ \t]{0,20}`;
const words = String.raw`[ \t](?:is|was|are|=)?[ \t:]{0,2}`;
const assigned = new RegExp(
  String.raw`(${name}[ \t\w.-]{0,20}?)["'\`\])]{0,2}${type}(${setter})=?[ \t]{0,2}(?:[bru@$]?(["'\`]{1,3})[ =]{0,2}|(?=\S))`,
  'iy',
);
const spoken = new RegExp(String.raw`(${name})${words}(?:(["'\`])|(?=\S))`, 'iy');
const unquoted = /[^\s"'`,;<>&(){}[\]|\\]{4,512}/y;

function assignmentAt(view: View, start: number, end: number): Found | undefined {
  const { text } = view;
  const word = text.slice(start, end).toLowerCase();
  const isOption =
    text[start - 1] === '-' || /--[\w-]{0,24}$/.test(text.slice(Math.max(0, start - 26), start));
  const isWordAlone = isOption && /[ \t]/.test(text[end] ?? '');
  const set = isWordAlone ? null : matchAt(assigned, text, end);
  // `--password … -h x=…`, `a.apiKey, sha256:…`, `<your-key> text`: the mark belongs to something else.
  const strays =
    set !== null &&
    ((isOption && /\s/.test(set[1] ?? '')) ||
      ((set[2] ?? '').trim() === ',' && set[3] === undefined && !/["'`][ \t]*,/.test(set[0])) ||
      /^\s*> /.test(set[2] ?? ''));
  if (set !== null && !strays) {
    const found = valueAt(text, end + set[0].length, set[3], {
      word,
      rest: set[1] ?? '',
      operator: (set[2] ?? '').trim(),
      tight: set[2] === (set[2] ?? '').trim(),
      before: text.slice(Math.max(0, start - 24), start),
    });
    if (found !== undefined) return found;
  }
  const said = isOption || /^(?:bearer|basic|pass)/.test(word) ? matchAt(spoken, text, end) : null;
  if (said === null) return undefined;
  return valueAt(text, end + said[0].length, said[2], {
    word,
    rest: said[1] ?? '',
    operator: isOption ? '--' : ' ',
    tight: isOption,
    before: '',
  });
}

interface Setting {
  word: string;
  /** What followed the word in the name. */
  rest: string;
  operator: string;
  /** No blanks round the operator. */
  tight: boolean;
  before: string;
}

function valueAt(text: string, at: number, quote: string | undefined, setting: Setting): Found | undefined {
  const closed = quote === undefined ? undefined : quotedEnd(text, at, quote.slice(-1));
  const end = closed ?? unquotedEnd(text, at);
  if (end === undefined || end <= at) return undefined;
  const scheme =
    /^(?:bearer|basic|(?:api[-_]?)?token|digest|api[-_]?key|negotiate)[ \t]+/i.exec(
      text.slice(at, at + 24),
    )?.[0] ?? '';
  if (scheme !== '') {
    const from = at + scheme.length;
    const last = quote === undefined ? unquotedEnd(text, from) : end;
    const value = last === undefined ? '' : text.slice(from, last);
    return value.length >= 6 && !isPlaceholder(value) && /[^a-z]/.test(value)
      ? { type: 'SECRET', start: from, end: from + value.length, rank }
      : undefined;
  }
  const value = text.slice(at, end);
  const isElement =
    setting.operator === '>' && text.startsWith(`</${setting.word}`, end) && setting.before.endsWith('<');
  return isSecret(value, closed !== undefined, isElement ? { ...setting, operator: '--' } : setting)
    ? { type: 'SECRET', start: at, end, rank }
    : undefined;
}

function unquotedEnd(text: string, at: number): number | undefined {
  const found = matchAt(unquoted, text, at)?.[0];
  return found === undefined ? undefined : at + found.replace(/[.:]+$/, '').length;
}

function quotedEnd(text: string, at: number, quote: string): number | undefined {
  const most = Math.min(text.length, at + 512);
  for (let end = at; end < most; end += 1) {
    if (text[end] === '\n') return undefined;
    if (text.startsWith(quote, end)) return end;
  }
  return undefined;
}

const pathOfNames = /^[$@]?[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+$/;
const nameOnly = /^[A-Za-z_$][A-Za-z_]*$/;
const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
/** Names that only speak of a secret: `password_field`, `token_type`, `secretName`, `keyboard`. */
const about =
  /^[\w.-]*?(?:name|type|field|label|url|uri|path|file|count|length|size|limit|expir|ttl|policy|reset|hint|hash_algorithm|alg|version|class|prefix|suffix|format|kind|usage|board|word_reset|input|form|manager|provider|store|ring|s?_?used|s_total|izer|ization|space|frame|stroke|note|id$|ids$|ref$|enabled|required|min|max|dir)/i;

function isSecret(value: string, quoted: boolean, { word, rest, operator, tight, before }: Setting): boolean {
  if (value.length < 4 || isPlaceholder(value)) return false;
  if (/^(?:https?|ftp|file|ssh|git):\/\//.test(value) || /^(?:\.{0,2}|~)\/[\w./-]*$/.test(value))
    return false;
  if (!quoted && (pathOfNames.test(value) || /^\$[({A-Za-z_]|^%\w+%$|^@/.test(value))) return false;
  const tells = about.test(rest) && !/key|token|secret|pass/i.test(rest);
  const isStrong =
    strong.has(word) ||
    /(?:api|secret|private|access|auth)[-_. ]?$/i.test(before) ||
    (service.has(word) && /key|token|secret|pass/i.test(rest));
  if (isStrong && !tells) return isStrongValue(value, quoted, operator, tight, word);
  if (tells && !/^pass|secret/.test(word)) return false;
  return isMachineMade(value, word, tells);
}

/** For names that say enough: all but words of a programme or of a sentence. */
function isStrongValue(
  value: string,
  quoted: boolean,
  operator: string,
  tight: boolean,
  word: string,
): boolean {
  const spaces = value.split(' ').length - 1;
  if (spaces > 3 || (spaces > 0 && !/\d/.test(value))) return false;
  if (/^[\d.:,/-]+$/.test(value) && !/^\d+$/.test(value)) return false;
  if (operator === ',' && !quoted) return isMachineMade(value, word, false);
  if (operator === '>' || operator === ',')
    return !nameOnly.test(value) && (quoted || operator === '>') && value.length >= 6;
  if (!nameOnly.test(value) && !/^\d+$/.test(value))
    return value.length >= (word.startsWith('pass') || word === 'pwd' ? 5 : 8) && !/^[\d.:,/-]+$/.test(value);
  if (/^\d+$/.test(value))
    return word.startsWith('pass') || word === 'pwd' ? value.length >= 4 : value.length >= 8;
  if (/^(?:string|number|boolean|object|integer|varchar|text|function|undefined|optional)$/i.test(value))
    return false;
  // What follows `--password` is one, of whatever letters, and so is what `<password>` holds up to its end.
  if (operator === '--') return value.length >= 6 && word.startsWith('p');
  if (quoted && (value.match(/[a-z][A-Z]|[A-Z]{2}[a-z]/g) ?? []).length >= 2) return true;
  if (isCamel(value)) return isMachineMade(value, word, false);
  return quoted
    ? value.length >= 6 && /^(?:pass|pwd|secret)/.test(word) && operator !== ','
    : tight && operator === '=' && value.length >= 6 && word.startsWith('p');
}

function isCamel(value: string): boolean {
  return /[a-z][A-Z]/.test(value) || value.includes('_');
}

/** For names of much else: long, of one piece, and no word, number or identifier of something. */
function isMachineMade(value: string, word: string, tells: boolean): boolean {
  if (tells || value.length < 10 || value.length > 300) return false;
  if (!/^[\w.=+/~$!@#%^*:-]+$/.test(value) || /^[\d.:-]+$/.test(value)) return false;
  if (uuid.test(value)) return service.has(word) || word === 'token';
  if (entropy(value) < 3) return /^[\da-f]{32,}$/i.test(value) && entropy(value) > 2.5;
  if (is(value.charCodeAt(0), alphanumeric) && /^[\w-]+(?:[./][\w-]+)+$/.test(value) && !isRandom(value))
    return false;
  return isRandom(value);
}
