import type { z } from 'zod';
import { maxWaitMs, type fleetContracts } from '../../schemas/tools.ts';
import { wrongUsage } from '../command.ts';

type Request = Omit<z.input<typeof fleetContracts.read_handle.input>, 'handle_id'>;

/** Options of `read` beyond plain pages: what to look for, and how. */
export const searchOptions = {
  grep: { type: 'string', value: 'PATTERN', about: 'Lines that match, in RE2 syntax; (?i) ignores case' },
  context: { type: 'string', value: 'N', about: 'With --grep or --diff: lines around' },
  pick: { type: 'string', value: 'WHICH', about: 'With --grep: first (default) or last hits, or count' },
  records: { type: 'boolean', about: 'Records of JSON Lines, or of a JSON array' },
  pointer: { type: 'string', value: 'POINTER', about: 'With --records: where they lie, like /results' },
  where: { type: 'string', value: 'FILTER', about: 'With --records: like /level=error, n>3, msg*=time' },
  fields: { type: 'string', value: 'LIST', about: 'With --records: fields to keep, comma-separated' },
  stats: { type: 'boolean', about: 'Lines, their lengths, errors, repetitions' },
  outline: { type: 'boolean', about: 'Sections of a test or build log' },
  diff: { type: 'string', value: 'HANDLE', about: 'What changed from this one to HANDLE' },
  export: { type: 'boolean', about: 'Write it to a file in the .runs folder of its task' },
  count: { type: 'string', value: 'N', about: 'Most hits, records or sections' },
  cursor: { type: 'string', value: 'CURSOR', about: 'Go on where the last answer ended' },
  wait: { type: 'string', value: 'MS', about: 'Wait for growth, or search for longer' },
} as const;

type Name = keyof typeof searchOptions;
type Values = { readonly [name in Name]?: string | boolean | undefined };

/** The options of which one alone makes sense. */
export function searches({ grep, records, stats, outline, diff, export: toFile }: Values): unknown[] {
  return [grep, records, stats, outline, diff, toFile];
}

/** What is looked for; undefined for a plain page. */
export function readSearch(values: Values): Request | undefined {
  const { grep, context, pick, records, pointer, where, fields } = values;
  if (grep !== undefined) {
    return { mode: 'grep', pattern: text(grep), ...optional('context', context), ...pickOf(pick) };
  }
  if (records === true) {
    return {
      mode: 'json',
      ...(pointer === undefined ? {} : { pointer: text(pointer) }),
      ...(where === undefined ? {} : { pattern: text(where) }),
      ...(fields === undefined ? {} : { fields: text(fields).split(',') }),
    };
  }
  if (values.stats === true) return { mode: 'stats' };
  if (values.outline === true) return { mode: 'outline' };
  if (values.diff !== undefined) {
    return { mode: 'diff', other: text(values.diff), ...optional('context', context) };
  }
  return values.export === true ? { mode: 'export', wait_ms: maxWaitMs } : undefined;
}

/** What goes with any of them. */
export function readShared({ count, cursor, wait }: Values): Request {
  return {
    ...optional('count', count),
    ...(cursor === undefined ? {} : { cursor: text(cursor) }),
    ...(wait === undefined ? {} : { wait_ms: numberOf('wait', wait) }),
  };
}

function text(value: string | boolean): string {
  return String(value);
}

function optional(
  name: 'count' | 'context',
  value: string | boolean | undefined,
): { [key in typeof name]?: number } {
  return value === undefined ? {} : { [name]: numberOf(name, value) };
}

function numberOf(name: Name, value: string | boolean): number {
  if (/^\d{1,9}$/.test(text(value))) return Number(value);
  throw wrongUsage('read', `--${name} takes a number`);
}

function pickOf(value: string | boolean | undefined): Pick<Request, 'pick'> {
  if (value === undefined) return {};
  if (value === 'first' || value === 'last' || value === 'count') return { pick: value };
  throw wrongUsage('read', '--pick takes first, last or count');
}
