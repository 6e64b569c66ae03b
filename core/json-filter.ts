import { FleetError } from './errors.ts';

/** Whether a record is one that is asked for. */
export interface RecordFilter {
  /** Where in a record to look. */
  keys: readonly string[];
  /** Decides by what stands there; undefined where nothing does. */
  accepts(value: unknown): boolean;
}

const comparison = /^(.*?)(!=|<=|>=|\*=|=|<|>)(.*)$/su;

/**
 * Reads a filter: `/level=error`, `status!=passed`, `/n>=3`, `/message*=timeout` (contains), or a
 * pointer alone for records that have it. INVALID_INPUT where there is no place to look at.
 */
export function parseFilter(text: string): RecordFilter {
  const [, place = text, operator, wanted = ''] = comparison.exec(text) ?? [];
  if (place === '') {
    throw new FleetError('INVALID_INPUT', '"pattern" is no filter of records.', {
      next: 'Write it like /level=error, /count>3 or /message*=timeout, or give a pointer alone.',
    });
  }
  return {
    keys: pointerKeys(place),
    accepts: (value) => (operator === undefined ? value !== undefined : compares(value, operator, wanted)),
  };
}

/** A JSON pointer (RFC 6901) as its keys; a name without a leading slash is one key. */
export function pointerKeys(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return [pointer];
  return pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function compares(value: unknown, operator: string, wanted: string): boolean {
  switch (operator) {
    case '=':
      return isEqual(value, wanted);
    case '!=':
      return value !== undefined && !isEqual(value, wanted);
    case '*=':
      return typeof value === 'string' && value.includes(wanted);
    default:
      return isOrdered(value, operator, wanted);
  }
}

function isEqual(value: unknown, wanted: string): boolean {
  if (typeof value === 'string') return value === wanted;
  if (typeof value === 'number') return wanted.trim() !== '' && value === Number(wanted);
  return (typeof value === 'boolean' || value === null) && String(value) === wanted;
}

/** Numbers by value; texts by their code units, so that dates of ISO 8601 compare. */
function isOrdered(value: unknown, operator: string, wanted: string): boolean {
  const order =
    typeof value === 'number'
      ? value - Number(wanted)
      : typeof value === 'string'
        ? compareTexts(value, wanted)
        : NaN;
  if (operator === '<') return order < 0;
  if (operator === '>') return order > 0;
  return operator === '<=' ? order <= 0 : order >= 0;
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
