import { latin1, plainView, ways, type Origin, type View, type Way } from './view.ts';

/** How often escapes of different kinds are looked for inside each other; the same kind may nest at any depth. */
const rounds = 3;

/**
 * The text behind JSON, URL, HTML and quoted-printable escapes, terminal sequences, zero-width and
 * full-width characters, and line ends that only continue a value. Linear: an escape begins only
 * where no other of its kind does, and nothing in it is optional twice.
 */
export function decodedView(bytes: Uint8Array, joins: readonly number[] = []): View {
  let view = joins.length === 0 ? plainView(bytes) : without(plainView(bytes), joins);
  for (let round = 0; round < rounds; round += 1) {
    const decoded = decodeOnce(view);
    if (decoded === view) break;
    view = decoded;
  }
  return view;
}

const escapeMark = /[\\%&\x1b=\xe2\xc2\xef]/;

// `\\\\u0040`, `%252540` and `&amp;amp;#64;` are each one escape.
const escape = new RegExp(
  [
    String.raw`(?<!\\)\\+(?:[uU]([\da-fA-F]{4})|[xX]([\da-fA-F]{2})|([nrtbf"'/])|(\r?\n))`,
    String.raw`%(?:25)*([\da-fA-F]{2})`,
    String.raw`&(?:amp;)*(?:#(\d{1,6});|#[xX]([\da-fA-F]{1,5});|(amp|AMP|lt|LT|gt|GT|quot|QUOT|apos|nbsp|commat|plus|period|lowbar|colon);)`,
    String.raw`(\x1b\[[0-?]{0,32}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b]{0,256}(?:\x07|\x1b\\))`,
    String.raw`(?<![A-Za-z0-9+/]{20})(?<!=)(=\r?\n)(?!-----)`,
    quotedPrintable(),
    String.raw`(\xe2\x80[\x8b-\x8d]|\xe2\x81\xa0|\xc2\xad|\xef\xbb\xbf)`,
    String.raw`\xef\xbc([\x81-\xbf])`,
    String.raw`\xef\xbd([\x80-\x9e])`,
  ].join('|'),
  'g',
);

/**
 * Of what looks like it only what mail writes (RFC 2045 §6.7), and where it can be part of a value: an `@`
 * before a domain, a plus before a number. `KEY=40ab…` and `KEY=2Bcd…` are no escapes.
 */
function quotedPrintable(): string {
  const rest = String.raw`[\w-]{0,63}`;
  const domain = String.raw`(?=${rest}(?:=\r?\n${rest})?(?:\.|=2E)|=\r?\n)`;
  return String.raw`=(40${domain}|(?<![\w"'\])]=)2B(?=[\d(])|3D|C[23]=[89AB][\dA-F])`;
}

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  commat: '@',
  plus: '+',
  period: '.',
  lowbar: '_',
  colon: ':',
};
const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

interface Decoded {
  text: string;
  way: Way;
}

function meaning(found: RegExpExecArray): Decoded {
  const [
    whole,
    json,
    hex,
    control,
    broken,
    url,
    decimal,
    hexadecimal,
    name,
    ansi,
    soft,
    quoted,
    none,
    ...wide
  ] = found;
  if (json !== undefined || hex !== undefined) {
    return { text: utf8(Number.parseInt(json ?? hex ?? '', 16)), way: 'json' };
  }
  if (control !== undefined) return { text: controls[control.toLowerCase()] ?? control, way: 'json' };
  if (broken !== undefined) return { text: '', way: 'wrapped' };
  if (url !== undefined) return { text: String.fromCharCode(Number.parseInt(url, 16)), way: 'url' };
  if (decimal !== undefined) return { text: utf8(Number(decimal)), way: 'html' };
  if (hexadecimal !== undefined) return { text: utf8(Number.parseInt(hexadecimal, 16)), way: 'html' };
  if (name !== undefined) return { text: named[name.toLowerCase()] ?? '', way: 'html' };
  if (ansi !== undefined || none !== undefined) return { text: '', way: 'ansi' };
  if (soft !== undefined) return { text: '', way: 'quoted_printable' };
  if (quoted !== undefined) {
    return { text: latin1(Buffer.from(quoted.replace('=', ''), 'hex')), way: 'quoted_printable' };
  }
  const [low, high] = wide;
  // Full-width forms: U+FF01…U+FF5E are ASCII 0x21…0x7e.
  if (low !== undefined) return { text: String.fromCharCode(low.charCodeAt(0) - 0x60), way: 'json' };
  return { text: String.fromCharCode((high ?? whole).charCodeAt(0) - 0x20), way: 'json' };
}

/** A character as its bytes in UTF-8, one character each; half a surrogate pair as it is. */
function utf8(code: number): string {
  if (code < 0x80) return String.fromCharCode(code);
  return code > 0x10ffff ? '?' : latin1(Buffer.from(String.fromCodePoint(code)));
}

function decodeOnce(view: View): View {
  if (!escapeMark.test(view.text)) return view;
  escape.lastIndex = 0;
  const first = escape.exec(view.text);
  if (first === null) return view;
  const writer = new Writer(view);
  let from = 0;
  for (let found: RegExpExecArray | null = first; found !== null; found = escape.exec(view.text)) {
    writer.copy(from, found.index);
    from = found.index + found[0].length;
    const { text, way } = meaning(found);
    writer.put(text, found.index, from, way);
  }
  writer.copy(from, view.text.length);
  return writer.view();
}

/** The view without the line ends at the given places, so that what stands around each is one. */
function without(view: View, joins: readonly number[]): View {
  const writer = new Writer(view);
  let from = 0;
  for (const join of joins) {
    let end = view.text.charCodeAt(join) === 13 ? join + 2 : join + 1;
    while (' \t>'.includes(view.text[end] ?? '\n')) end += 1;
    writer.copy(from, join);
    writer.put('', join, end, 'wrapped');
    from = end;
  }
  writer.copy(from, view.text.length);
  return writer.view();
}

class Writer {
  readonly #source: View;
  readonly #origin: Origin;
  readonly #parts: string[] = [];
  #length = 0;
  /** How something of no text was written that was just left out. */
  #skipped = 0;

  constructor(source: View) {
    this.#source = source;
    const room = source.text.length * 3 + 8;
    this.#origin = { starts: new Int32Array(room), ends: new Int32Array(room), ways: new Uint8Array(room) };
  }

  copy(from: number, to: number): void {
    if (to <= from) return;
    const { origin } = this.#source;
    this.#parts.push(this.#source.text.slice(from, to));
    for (let at = from; at < to; at += 1) {
      this.#mark(origin?.starts[at] ?? at, origin?.ends[at] ?? at + 1, origin?.ways[at] ?? 0);
    }
  }

  put(text: string, from: number, to: number, way: Way): void {
    const { origin } = this.#source;
    const number = ways.indexOf(way);
    if (text === '') this.#skipped = number;
    this.#parts.push(text);
    for (let at = 0; at < text.length; at += 1) {
      this.#mark(origin?.starts[from] ?? from, origin?.ends[to - 1] ?? to, number);
    }
  }

  view(): View {
    const text = this.#parts.join('');
    const { starts, ends, ways } = this.#origin;
    const length = this.#length;
    return {
      text,
      bytes: Buffer.from(text, 'latin1'),
      origin: {
        starts: starts.subarray(0, length),
        ends: ends.subarray(0, length),
        ways: ways.subarray(0, length),
      },
    };
  }

  #mark(start: number, end: number, way: number): void {
    const at = this.#length;
    this.#origin.starts[at] = start;
    this.#origin.ends[at] = end;
    this.#origin.ways[at] = way === 0 ? this.#skipped : way;
    this.#skipped = 0;
    this.#length = at + 1;
  }
}
