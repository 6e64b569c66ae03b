/** What the value of an option, or an operand, may be. */
export type ValueKind = 'any' | 'number' | 'path' | 'format' | readonly string[];

/**
 * How a program reads a single dash: `bundled`: `-la` is `-l -a`, and `-n5` is `-n 5`; `attached`: only the
 * latter; `words`: `-out` may be the option `out`, so that only what is listed letter by letter passes.
 */
export type ShortOptions = 'bundled' | 'attached' | 'words';

/** The arguments a program, or one of its sub-commands, may get. Everything not named is refused. */
export interface ArgumentRules {
  /** Options without a value. */
  flags: ReadonlySet<string>;
  /** Options that take the next element, or what is attached, as their value. */
  values: ReadonlyMap<string, ValueKind>;
  /** Options whose value, where there is one, is attached by `=`. */
  optional: ReadonlyMap<string, ValueKind>;
  /** Whether `-5` is a count. */
  counts: boolean;
  short: ShortOptions;
  operands: 'none' | 'paths' | 'any';
  maxOperands: number;
  /** The first operand is a pattern, and no path, unless one of these is given; undefined: it never is. */
  patternUnless: readonly string[] | undefined;
  /** Options one must give. */
  required: readonly string[];
  /** Options added right behind the sub-command where we start it ourselves. */
  added: readonly string[];
}

/** How rules are written: `--all`, `--max-count=number`, `--color[=any]`, `-NUM`. */
export interface WrittenRules {
  options?: string | readonly string[];
  short?: ShortOptions;
  operands?: ArgumentRules['operands'];
  maxOperands?: number;
  patternUnless?: string;
  required?: readonly string[];
  added?: readonly string[];
}

const writtenOption = /^(--?[A-Za-z0-9][\w-]*)(?:(=|\[=)([\w|.-]+)\]?)?$/;

/** Reads rules as they are written. A word that is none is refused by a RangeError. */
export function argumentRules(written: WrittenRules): ArgumentRules {
  const flags = new Set<string>();
  const values = new Map<string, ValueKind>();
  const optional = new Map<string, ValueKind>();
  let counts = false;
  for (const word of wordsOf(written.options ?? [])) {
    if (word === '-NUM') {
      counts = true;
      continue;
    }
    const [, name, how, kind] = writtenOption.exec(word) ?? [];
    if (name === undefined) throw new RangeError(`${JSON.stringify(word)} is no option`);
    if (kind === undefined) flags.add(name);
    else if (how === '=') values.set(name, kindOf(kind));
    else optional.set(name, kindOf(kind));
  }
  return {
    flags,
    values,
    optional,
    counts,
    short: written.short ?? 'bundled',
    operands: written.operands ?? 'paths',
    maxOperands: written.maxOperands ?? Infinity,
    patternUnless: written.patternUnless?.split(' '),
    required: written.required ?? [],
    added: written.added ?? [],
  };
}

function wordsOf(options: string | readonly string[]): readonly string[] {
  return typeof options === 'string' ? options.split(/\s+/).filter((word) => word !== '') : options;
}

function kindOf(kind: string): ValueKind {
  if (kind === 'any' || kind === 'number' || kind === 'path' || kind === 'format') return kind;
  return kind.split('|');
}
