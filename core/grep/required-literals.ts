/**
 * What every match of a pattern must contain, found in the pattern alone. Lets a search skip what
 * cannot match at the speed of memchr. Where the pattern is not understood, nothing is required.
 */
export interface Required {
  /** Each match contains at least one of these. */
  literals: readonly string[];
  /** Letters may stand in either case. */
  ignoreCase: boolean;
  /** Whatever contains one of them matches: no engine is needed. */
  exact: boolean;
}

const maxLiterals = 16;

export function requiredLiterals(pattern: string): Required | undefined {
  const flags = /^\(\?([imsU]+)\)/.exec(pattern);
  const ignoreCase = flags?.[1]?.includes('i') === true;
  const reader = new PatternReader(pattern, flags?.[0].length ?? 0);
  try {
    const { found, exact } = reader.alternation();
    if (!reader.atEnd || found === undefined || found.length > maxLiterals) return undefined;
    const usable = ignoreCase ? found.map(longestAscii) : found;
    if (usable.some((literal) => literal === '')) return undefined;
    return { literals: [...new Set(usable)], ignoreCase, exact: exact && !ignoreCase };
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

/** Case folding beyond ASCII is left to the engine. */
function longestAscii(literal: string): string {
  return (literal.match(/[ -~]+/g) ?? []).reduce(
    (best, part) => (part.length > best.length ? part : best),
    '',
  );
}

class NotUnderstood extends Error {}

interface Part {
  found: string[] | undefined;
  exact: boolean;
}

/** One character, something of no width, a group, or anything else of one character. */
type Atom =
  { kind: 'text'; text: string } | { kind: 'nothing' } | { kind: 'other' } | ({ kind: 'group' } & Part);

/** Reads RE2's syntax as far as literals go (github.com/google/re2/wiki/Syntax). */
class PatternReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  alternation(): Part {
    const branches = [this.#concatenation()];
    while (this.#take('|')) branches.push(this.#concatenation());
    const found = branches.flatMap((branch) => branch.found ?? []);
    const all = branches.every((branch) => branch.found !== undefined);
    return { found: all ? found : undefined, exact: branches.every((branch) => branch.exact) };
  }

  #concatenation(): Part {
    let best: string[] | undefined;
    let run = '';
    let parts = 0;
    let plain = true;
    const consider = (found: string[] | undefined): void => {
      if (found !== undefined && worth(found) > worth(best)) best = found;
    };
    const endRun = (): void => {
      if (run === '') return;
      parts += 1;
      consider([run]);
      run = '';
    };
    while (!this.atEnd && this.#peek !== '|' && this.#peek !== ')') {
      const atom = this.#atom();
      const times = this.#repetition();
      if (times !== 'once' || (atom.kind === 'group' && !atom.exact)) plain = false;
      if (atom.kind === 'nothing' || atom.kind === 'other') plain = false;
      if (atom.kind === 'nothing') continue;
      if (atom.kind === 'text' && times !== 'maybe') run += atom.text;
      if (atom.kind === 'text' && times === 'once') continue;
      endRun();
      if (atom.kind !== 'group') continue;
      parts += 1;
      if (times !== 'maybe') consider(atom.found);
    }
    endRun();
    return { found: best, exact: plain && parts === 1 && best !== undefined };
  }

  #atom(): Atom {
    const char = this.#next();
    switch (char) {
      case '\\':
        return this.#escape();
      case '[':
        this.#class();
        return { kind: 'other' };
      case '(':
        return this.#group();
      case '.':
        return { kind: 'other' };
      case '^':
      case '$':
        return { kind: 'nothing' };
      case '*':
      case '+':
      case '?':
      case '\n':
      case '\r':
        throw new NotUnderstood();
      default:
        return { kind: 'text', text: char };
    }
  }

  #escape(): Atom {
    const char = this.#next();
    if (/[!-/:-@[-`{-~]/.test(char)) return { kind: 'text', text: char };
    if (char === 't') return { kind: 'text', text: '\t' };
    if (/[bBAz]/.test(char)) return { kind: 'nothing' };
    if (/[dDsSwWnrfv]/.test(char)) return { kind: 'other' };
    if (!/[pPx]/.test(char)) throw new NotUnderstood();
    if (this.#take('{')) this.#until('}');
    else if (char === 'x') this.#at += 2;
    else this.#next();
    return { kind: 'other' };
  }

  #class(): void {
    this.#take('^');
    this.#take(']');
    for (let char = this.#next(); char !== ']'; char = this.#next()) {
      if (char === '[' && this.#take(':')) this.#until(':]');
      else if (char === '\\' && this.#next() === 'Q') throw new NotUnderstood();
    }
  }

  #group(): Atom {
    const opening = /^\?(?::|[smU]+:|P?<\w+>)/.exec(this.#text.slice(this.#at));
    if (opening !== null) this.#at += opening[0].length;
    else if (this.#peek === '?') throw new NotUnderstood();
    const part = this.alternation();
    if (!this.#take(')')) throw new NotUnderstood();
    return { kind: 'group', ...part };
  }

  /** How often the atom just read occurs: exactly once, at least once, or perhaps never. */
  #repetition(): 'once' | 'some' | 'maybe' {
    const found = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})/.exec(this.#text.slice(this.#at, this.#at + 16));
    if (found === null) return 'once';
    this.#at += found[0].length;
    this.#take('?');
    if (found[0] === '+') return 'some';
    return Number(found[1] ?? 0) > 0 ? 'some' : 'maybe';
  }

  get #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  /** The next whole character. */
  #next(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw new NotUnderstood();
    const char = String.fromCodePoint(code);
    this.#at += char.length;
    return char;
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #until(end: string): void {
    const found = this.#text.indexOf(end, this.#at);
    if (found === -1) throw new NotUnderstood();
    this.#at = found + end.length;
  }
}

/** Longer literals are rarer, and fewer of them are looked for faster. */
function worth(found: readonly string[] | undefined): number {
  if (found === undefined) return 0;
  return Math.min(...found.map((literal) => literal.length)) - found.length / (2 * maxLiterals);
}
