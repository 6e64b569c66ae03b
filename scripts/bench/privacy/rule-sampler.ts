import { alnum, digits, lower, upper, type Random } from './random.ts';

/** A text that a scanner's rule matches, and where in it the secret stands. */
export interface Sample {
  text: string;
  start: number;
  end: number;
}

/** Of a rule that takes all but some characters: those that stand for themselves in a URL, too (RFC 3986: unreserved and sub-delims, no quote). */
const standing = `${alnum}-._~!$&()*+,;=`;

/** Beside quotes, a bar in a class is meant as "or", and a backslash as what writes the quote or slash: no value has either. */
function setOf(set: string): string {
  const meant = /["']/.test(set) ? set.replaceAll('|', '') : set;
  return meant.length > 1 && (meant !== set || meant.length >= 36) ? meant.replaceAll('\\', '') : meant;
}

/** What the classes of RE2 stand for, as far as rules use them; blanks are no line ends. */
const classes: Readonly<Record<string, string>> = {
  d: digits,
  w: `${alnum}_`,
  s: ' ',
  S: `${alnum}-_`,
  W: ' ',
  D: lower,
};
const posix: Readonly<Record<string, string>> = {
  alnum,
  alpha: lower + upper,
  digit: digits,
  xdigit: `${digits}abcdef`,
  upper,
  lower,
  word: `${alnum}_`,
};

/** Makes a text that an expression in RE2's syntax matches; `undefined` for what it does not understand. */
export function sampleOf(expression: string, random: Random): Sample | undefined {
  const sampler = new Sampler(expression, random);
  try {
    const text = sampler.alternatives();
    const [start = 0, end = text.length] = sampler.secret ?? [];
    return sampler.atEnd && text.trim() !== '' ? { text, start, end } : undefined;
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

class NotUnderstood extends Error {}

class Sampler {
  readonly #source: string;
  readonly #random: Random;
  #at = 0;
  #made = 0;
  /** How many characters the last class had to choose from. */
  #choices = 0;
  /** Where the first group that captures came to stand. */
  secret: [number, number] | undefined;

  constructor(source: string, random: Random) {
    this.#source = source;
    this.#random = random;
  }

  get atEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  /** One of the alternatives up to the end of the group; all are read. */
  alternatives(): string {
    const made = this.#made;
    const secret = this.secret;
    const all = [this.#sequence()];
    const secrets = [this.secret];
    while (this.#take('|')) {
      this.#made = made;
      this.secret = secret;
      all.push(this.#sequence());
      secrets.push(this.secret);
    }
    const chosen = this.#random.int(0, all.length - 1);
    this.secret = secrets[chosen];
    this.#made = made + (all[chosen]?.length ?? 0);
    return all[chosen] ?? '';
  }

  #sequence(): string {
    let text = '';
    while (!this.atEnd && !'|)'.includes(this.#peek())) text += this.#repeated();
    return text;
  }

  #repeated(): string {
    const from = this.#at;
    const made = this.#made;
    const first = this.#atom();
    const isOpen =
      /^(?:\+|\{[01],(?:[3-9]\d|\d{3,}|)\})/.test(this.#source.slice(this.#at, this.#at + 12)) &&
      this.#choices >= 36;
    const [least, most] = isOpen ? this.#keyLength() : this.#quantity();
    const after = this.#at;
    if (most === 0 || (least === 0 && this.#random.chance(0.5))) {
      this.#made = made;
      return '';
    }
    // Optional marks round a value come once or not at all; a value is as long as it may be.
    const times =
      least === 0
        ? Math.min(most, 1 + this.#random.int(0, Math.min(most, 12) > 5 ? 5 : 0))
        : this.#random.int(least, Math.min(most, least + 24));
    let text = first;
    for (let time = 1; time < times; time += 1) {
      this.#at = from;
      text += this.#atom();
    }
    this.#at = after;
    return text;
  }

  /** As many letters and digits as there may be are a key in such a rule: of the length of one. */
  #keyLength(): [number, number] {
    this.#quantity();
    return [16, 40];
  }

  #quantity(): [number, number] {
    const found = /^(?:\*|\+|\?|\{(\d+)(,?)(\d*)\})\??/.exec(this.#source.slice(this.#at));
    if (found === null) return [1, 1];
    this.#at += found[0].length;
    if (found[0].startsWith('*')) return [0, 6];
    if (found[0].startsWith('+')) return [1, 8];
    if (found[0].startsWith('?')) return [0, 1];
    const least = Number(found[1]);
    if (found[2] === '') return [least, least];
    return [least, found[3] === '' ? least + 20 : Number(found[3])];
  }

  #atom(): string {
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return this.#one(this.#class());
    // Rules write a dot for a dot, and for anything.
    if (this.#take('.')) return '*+{'.includes(this.#peek() || ' ') ? this.#one(alnum) : this.#out('.');
    if (this.#take('^') || this.#take('$')) return '';
    if (this.#take('\\')) return this.#escaped();
    const character = this.#peek();
    if ('*+?'.includes(character)) throw new NotUnderstood();
    this.#at += 1;
    return this.#out(character);
  }

  #group(): string {
    const flags = /^\?[imsU]*(?:-[imsU]+)?\)/.exec(this.#source.slice(this.#at));
    if (flags !== null) {
      this.#at += flags[0].length;
      return '';
    }
    const opened = /^\?(?:[imsU]*(?:-[imsU]+)?:|P<\w+>)/.exec(this.#source.slice(this.#at));
    if (opened === null && this.#peek() === '?') throw new NotUnderstood();
    this.#at += opened?.[0].length ?? 0;
    const start = this.#made;
    const text = this.alternatives();
    if (!this.#take(')')) throw new NotUnderstood();
    if (opened === null) this.secret = [start, start + text.length];
    this.#choices = 0;
    return text;
  }

  #escaped(): string {
    const character = this.#peek();
    this.#at += 1;
    if ('bBzA'.includes(character)) return '';
    if (character === 'x') return this.#out(String.fromCharCode(Number.parseInt(this.#next(2), 16)));
    if (character === 'n' || character === 'r' || character === 't') return this.#out(' ');
    const many = classes[character];
    return many === undefined ? this.#out(character) : this.#one(many);
  }

  #class(): string {
    const negated = this.#take('^');
    let set = '';
    let isFirst = true;
    while (isFirst || this.#peek() !== ']') {
      if (this.atEnd) throw new NotUnderstood();
      isFirst = false;
      const named = /^\[:(\w+):\]/.exec(this.#source.slice(this.#at));
      if (named !== null) {
        this.#at += named[0].length;
        set += posix[named[1] ?? ''] ?? '';
        continue;
      }
      const low = this.#member();
      if (low.length === 1 && this.#peek() === '-' && this.#source[this.#at + 1] !== ']') {
        this.#at += 1;
        const high = this.#member();
        for (let code = low.charCodeAt(0); code <= high.charCodeAt(0); code += 1)
          set += String.fromCharCode(code);
      } else set += low;
    }
    this.#at += 1;
    const kept = negated
      ? Array.from(standing)
          .filter((one) => !set.includes(one))
          .join('')
      : setOf(set);
    return kept.replace(/[\n\r\t]/g, '') || ' ';
  }

  #member(): string {
    if (!this.#take('\\')) return this.#next(1);
    const character = this.#next(1);
    if (character === 'x') return String.fromCharCode(Number.parseInt(this.#next(2), 16));
    return classes[character] ?? ('nrt'.includes(character) ? '\n' : character);
  }

  #one(set: string): string {
    if (set === '') throw new NotUnderstood();
    this.#choices = set.length;
    return this.#out(this.#random.string(set, 1));
  }

  #out(text: string): string {
    this.#made += text.length;
    return text;
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #next(length: number): string {
    this.#at += length;
    return this.#source.slice(this.#at - length, this.#at);
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }
}
