import { classifyLine } from './error-words.ts';
import {
  addKind,
  addLength,
  addValue,
  describeShape,
  JsonShape,
  plain,
  wantsValue,
  type JsonKind,
  type JsonNode,
} from './json-shape.ts';

/** Looked at closely; beyond them only the elements of the arrays then open, and records, are counted. */
const closeBytes = 2 ** 19;
/** Looked at in all; lengths of what goes on beyond are lower bounds. */
const maxBytes = 2 ** 30;
const maxDepth = 24;
const maxNameCharacters = 80;
/** Bytes kept of a string or number. */
const keptBytes = 200;
const shownValueBytes = 40;
/** Of the shape, before strings that speak of errors. */
const outerLines = 1;
const firstErrors = 16;
const lastErrors = 8;
/** Keys whose value tells which object an error is about. */
const names = new Set(['fullName', 'title', 'name', 'id', 'nodeid', 'file', 'path', 'code']);

interface Frame {
  isObject: boolean;
  node: JsonNode | undefined;
  /** Of the member under way. */
  key: string | undefined;
  /** Elements or members so far. */
  length: number;
  /** What tells this object from others. */
  name: string | undefined;
}

const [quote, backslash, comma, colon, newline] = [0x22, 0x5c, 0x2c, 0x3a, 0x0a];
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * What a text of JSON is made of, found while it passes: keys, kinds of values, lengths of arrays,
 * and the strings that speak of errors with their JSON pointers. Nothing is validated; what is no
 * JSON gives it up. The same whatever the chunks.
 */
export class JsonSketch {
  readonly #shape = new JsonShape();
  readonly #frames: Frame[] = [];
  readonly #kept = Buffer.allocUnsafeSlow(keptBytes);
  #keptLength = 0;
  #state: 'value' | 'string' | 'escape' | 'scalar' | 'count' | 'off' = 'value';
  #counted = { depth: 0, inString: false, escaped: false };
  #bytes = 0;
  #roots = 0;
  #isPartial = false;
  #isJson = true;
  readonly #errors: string[] = [];
  #errorCount = 0;

  push(bytes: Buffer): void {
    if (this.#state === 'off') return;
    const end = Math.min(bytes.length, maxBytes - this.#bytes);
    for (let at = 0; at < end && !this.#isOff();) at = this.#step(bytes, at, end);
    this.#bytes += end;
    if (end < bytes.length) this.#stop();
  }

  /** Nothing for what is no JSON object or array, or has none within. */
  notes(): string[] {
    const { root } = this.#shape;
    if (!this.#isJson || (root.keys.size === 0 && root.items === undefined)) return [];
    const isOpen = this.#frames.length > 0 || this.#counted.depth > 0 || this.#isPartial;
    const records = this.#roots > 1 ? [`${isOpen ? '≥' : ''}${String(this.#roots)} records, one a line`] : [];
    const hidden = this.#errorCount - this.#errors.length;
    const more = hidden > 0 ? [`${String(hidden)} more strings that speak of errors`] : [];
    const open = new Map(
      this.#frames.filter(({ isObject }) => !isObject).map(({ node, length }) => [node, length]),
    );
    const shape = describeShape(root, { open, isCut: this.#bytes > closeBytes || isOpen });
    const outer = this.#errors.length === 0 ? shape.length : outerLines;
    return [...records, ...shape.slice(0, outer), ...this.#errors, ...more, ...shape.slice(outer)];
  }

  #isOff(): boolean {
    return this.#state === 'off';
  }

  #stop(): void {
    this.#state = 'off';
    this.#isPartial = true;
  }

  #giveUp(): void {
    this.#state = 'off';
    this.#isJson = false;
  }

  /** Takes one byte, or a run of the same sort. Answers where to go on. */
  #step(bytes: Buffer, at: number, end: number): number {
    const byte = bytes[at] ?? 0;
    switch (this.#state) {
      case 'escape':
        this.#keep(bytes, at, at + 1);
        this.#state = 'string';
        return at + 1;
      case 'string':
        return this.#inString(bytes, at, end);
      case 'scalar':
        return this.#inScalar(bytes, at, end);
      case 'count':
        return this.#count(bytes, at, end);
      case 'value':
      case 'off':
        return this.#between(byte, at);
    }
  }

  #between(byte: number, at: number): number {
    const top = this.#frames.at(-1);
    if (byte <= 0x20 || byte === colon) {
      if (byte === newline && top === undefined && this.#bytes + at >= closeBytes) this.#state = 'count';
      return at + 1;
    }
    if (byte === comma) {
      if (this.#bytes + at >= closeBytes) {
        this.#state = 'count';
        return at;
      }
      if (top !== undefined) top.key = undefined;
      return at + 1;
    }
    if (byte === openObject || byte === openArray) this.#open(byte === openObject);
    else if (byte === closeObject || byte === closeArray) this.#close();
    else if (top === undefined) this.#giveUp();
    else {
      this.#keptLength = 0;
      this.#state = byte === quote ? 'string' : 'scalar';
      return byte === quote ? at + 1 : at;
    }
    return at + 1;
  }

  #inString(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && bytes[at] !== quote && bytes[at] !== backslash) at += 1;
    this.#keep(bytes, from, at);
    if (at === end) return at;
    if (bytes[at] === backslash) {
      this.#keep(bytes, at, at + 1);
      this.#state = 'escape';
    } else {
      this.#state = 'value';
      this.#string();
    }
    return at + 1;
  }

  /** From a comma, or from between two records, on: every comma stands before one more element. */
  #count(bytes: Buffer, from: number, end: number): number {
    let { depth, inString, escaped } = this.#counted;
    let top = this.#frames.at(-1);
    for (let at = from; at < end; at += 1) {
      const byte = bytes[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === quote) inString = false;
        else if (byte === backslash) escaped = true;
      } else if (byte === quote) {
        inString = true;
      } else if (byte === comma) {
        if (depth === 0 && top !== undefined) top.length += 1;
      } else if (byte === openObject || byte === openArray) {
        if (depth === 0 && top === undefined) this.#roots += 1;
        depth += 1;
      } else if (byte === closeObject || byte === closeArray) {
        if (depth > 0) depth -= 1;
        else {
          this.#close();
          top = this.#frames.at(-1);
        }
      }
    }
    this.#counted = { depth, inString, escaped };
    return end;
  }

  #inScalar(bytes: Buffer, from: number, end: number): number {
    let at = from;
    for (; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte <= 0x20 || byte === comma || byte === closeObject || byte === closeArray) break;
    }
    this.#keep(bytes, from, at);
    if (at === end) return at;
    this.#state = 'value';
    this.#scalar();
    return at;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const taken = Math.min(to - from, keptBytes - this.#keptLength);
    if (taken <= 0) return;
    this.#kept.set(bytes.subarray(from, from + taken), this.#keptLength);
    this.#keptLength += taken;
  }

  /** The place of the value that begins here. */
  #place(): JsonNode | undefined {
    const top = this.#frames.at(-1);
    if (top === undefined) {
      this.#roots += 1;
      return this.#shape.root;
    }
    top.length += 1;
    if (top.node === undefined) return undefined;
    if (!top.isObject) return this.#shape.element(top.node);
    return top.key === undefined ? undefined : this.#shape.member(top.node, top.key);
  }

  #open(isObject: boolean): void {
    if (this.#frames.length === maxDepth) return this.#stop();
    const node = this.#place();
    if (node !== undefined) addKind(node, isObject ? 'object' : 'array');
    this.#frames.push({ isObject, node, key: undefined, length: 0, name: undefined });
  }

  #close(): void {
    const frame = this.#frames.pop();
    if (frame === undefined) return this.#giveUp();
    if (!frame.isObject && frame.node !== undefined) addLength(frame.node, frame.length);
  }

  #string(): void {
    const top = this.#frames.at(-1);
    if (top?.isObject === true && top.key === undefined) {
      top.key = this.#kept.toString('utf8', 0, this.#keptLength);
      return;
    }
    const node = this.#place();
    const isName = top?.key !== undefined && names.has(top.key);
    if (isName && top.name === undefined) top.name = this.#kept.toString('utf8', 0, this.#keptLength);
    if (node !== undefined) {
      addKind(node, 'string');
      if (wantsValue(node)) {
        const isShort = this.#keptLength <= shownValueBytes;
        addValue(node, isShort ? `"${this.#kept.toString('utf8', 0, this.#keptLength)}"` : undefined);
      }
    }
    // A word alone, like a status, is in the shape already.
    if (this.#keptLength < 12) return;
    if (classifyLine(this.#kept, 0, this.#keptLength)?.strong === true) this.#error();
  }

  #scalar(): void {
    const kind = scalarKind(this.#kept.subarray(0, this.#keptLength));
    if (kind === undefined) return this.#giveUp();
    const node = this.#place();
    if (node === undefined) return;
    addKind(node, kind);
    if (kind === 'null' || !wantsValue(node)) return;
    const isShort = this.#keptLength <= shownValueBytes;
    addValue(node, isShort ? this.#kept.toString('latin1', 0, this.#keptLength) : undefined);
  }

  #error(): void {
    this.#errorCount += 1;
    if (this.#errors.length === firstErrors + lastErrors) this.#errors.splice(firstErrors, 1);
    const pointer = this.#frames.map(
      ({ isObject, key, length }) => `/${isObject ? (key ?? '') : String(length - 1)}`,
    );
    const name = this.#frames.findLast((frame) => frame.name !== undefined)?.name;
    const about = name === undefined ? '' : ` of "${plain(name.slice(0, maxNameCharacters))}"`;
    this.#errors.push(`${plain(pointer.join(''))}${about}: ${this.#text()}`);
  }

  #text(): string {
    const isCut = this.#keptLength === keptBytes;
    const text = this.#kept.toString('utf8', 0, this.#keptLength).replace(/\ufffd{1,3}$/, '');
    const readable = text
      .replace(/\\u001b\[[\d;]*m/g, '')
      .replaceAll('\\n', '␊')
      .replaceAll('\\"', '"');
    return plain(readable) + (isCut ? '…' : '');
  }
}

function scalarKind(bytes: Buffer): JsonKind | undefined {
  const [first] = bytes;
  if (first === 0x74 || first === 0x66)
    return isWord(bytes, 'true') || isWord(bytes, 'false') ? 'boolean' : undefined;
  if (first === 0x6e) return isWord(bytes, 'null') ? 'null' : undefined;
  if (first !== 0x2d && (first === undefined || first < 0x30 || first > 0x39)) return undefined;
  for (const byte of bytes) {
    if ((byte < 0x30 || byte > 0x39) && !inNumber.has(byte)) return undefined;
  }
  return 'number';
}

const inNumber = new Set(Buffer.from('+-.eE'));

function isWord(bytes: Buffer, word: string): boolean {
  return bytes.length === word.length && bytes.toString('latin1') === word;
}

/** The first byte that is no blank. */
export function firstVisible(bytes: Buffer): number | undefined {
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x20) return byte;
  }
  return undefined;
}

export function beginsJson(byte: number): boolean {
  return byte === openObject || byte === openArray;
}
