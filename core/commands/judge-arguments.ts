import type { ArgumentRules, ValueKind } from './argument-rules.ts';
import { isFormat, isInsidePath } from './values.ts';

/** Where operands may lead. */
export interface Within {
  /** Absolute; undefined: absolute paths are refused. */
  cwd: string | undefined;
  /** Whether paths may lead out of it. */
  anywhere: boolean;
}

/** Why arguments are refused, in words for whoever wrote them; undefined where they pass. */
export function refusalOf(rules: ArgumentRules, args: readonly string[], within: Within): string | undefined {
  const operands: string[] = [];
  const given = new Set<string>();
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === '--') {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const read = readOption(rules, word, args[at + 1]);
    if (typeof read === 'string') return read;
    for (const name of read.names) given.add(name);
    if (read.value !== undefined) {
      const why = refusedValue(read.kind, read.value, within);
      if (why !== undefined) return `the value of ${read.names.at(-1) ?? word} ${why}`;
    }
    if (read.takesNext) at += 1;
  }
  const missing = rules.required.find((name) => !given.has(name));
  if (missing !== undefined) return `${missing} must be given`;
  const isPattern = rules.patternUnless?.some((name) => given.has(name)) === false;
  return refusedOperands(rules, isPattern ? operands.slice(1) : operands, within);
}

function refusedOperands(
  rules: ArgumentRules,
  operands: readonly string[],
  within: Within,
): string | undefined {
  const [first] = operands;
  if (first === undefined) return undefined;
  if (rules.operands === 'none') return `${JSON.stringify(first)} is more than it may get`;
  if (operands.length > rules.maxOperands)
    return `it may get ${String(rules.maxOperands)} operand(s) at most`;
  if (rules.operands === 'any') return undefined;
  for (const operand of operands) {
    if (rules.short === 'words' && operand.startsWith('@')) {
      return `${JSON.stringify(operand)} may be a file of arguments; write it as ${JSON.stringify(`./${operand}`)}`;
    }
    const why = refusedValue('path', operand, within);
    if (why !== undefined) return `${JSON.stringify(operand)} ${why}`;
  }
  return undefined;
}

interface ReadOption {
  names: string[];
  kind: ValueKind;
  value?: string;
  takesNext?: true;
}

/** One element that begins with a dash; a string says why it is refused. */
function readOption(rules: ArgumentRules, word: string, next: string | undefined): ReadOption | string {
  if (rules.counts && /^-\d+$/.test(word)) return { names: [word], kind: 'any' };
  if (rules.flags.has(word) || rules.optional.has(word)) return { names: [word], kind: 'any' };
  const kind = rules.values.get(word);
  if (kind !== undefined) {
    // A value that looks like an option would be one to a program that reads this option otherwise.
    if (next === undefined || next.startsWith('-')) return `${word} needs a value that begins with no dash`;
    return { names: [word], kind, value: next, takesNext: true };
  }
  const equals = word.indexOf('=');
  if (word.startsWith('--') && equals > 0) {
    const name = word.slice(0, equals);
    const attached = rules.values.get(name) ?? rules.optional.get(name);
    if (attached !== undefined) return { names: [name], kind: attached, value: word.slice(equals + 1) };
    return notAllowed(name);
  }
  if (word.startsWith('--') || rules.short === 'words') return notAllowed(word);
  return readLetters(rules, word);
}

/** `-la`, `-n5`, `-ln5`. */
function readLetters(rules: ArgumentRules, word: string): ReadOption | string {
  const names: string[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const name = `-${word.charAt(at)}`;
    const kind = rules.values.get(name);
    if (kind !== undefined) return { names: [...names, name], kind, value: word.slice(at + 1) };
    if (!rules.flags.has(name) || rules.short !== 'bundled') return notAllowed(at === 1 ? word : name);
    names.push(name);
  }
  return { names, kind: 'any' };
}

function notAllowed(name: string): string {
  return `${JSON.stringify(name)} is not among the options it may get`;
}

function refusedValue(kind: ValueKind, value: string, within: Within): string | undefined {
  if (kind === 'any') return undefined;
  if (kind === 'number') return /^\d{1,9}$/.test(value) ? undefined : 'must be a number';
  if (kind === 'format')
    return isFormat(value) ? undefined : 'must not ask for signatures, or for a format of the repository';
  if (kind === 'path') {
    return within.anywhere || isInsidePath(value, within.cwd)
      ? undefined
      : 'leads out of the folder the run works in; `"anywhere": true` in the entry would allow it';
  }
  return kind.includes(value) ? undefined : `must be one of ${kind.join(', ')}`;
}
