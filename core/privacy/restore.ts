import { surrogateTypes, type SurrogateType, type TypeCounts } from '../../schemas/privacy.ts';
import { isGenuine, type Mac } from './surrogate.ts';
import { findSurrogates } from './surrogate-scan.ts';

export interface Restoring {
  mac: Mac;
  allows: (type: SurrogateType) => boolean;
  /** What stood there; undefined where nobody knows. */
  look: (surrogate: string) => string | undefined;
}

export interface Restored {
  text: string;
  restored: TypeCounts;
  /** Genuine ones whose type is not allowed there. */
  withheld: TypeCounts;
  /** Genuine ones nobody knows the value of, and text of a surrogate's very form that is none. */
  unknown: number;
}

/** Puts values back where surrogates stand. What is not a genuine one stays as it is: nothing is guessed. */
export function restore(text: string, { mac, allows, look }: Restoring): Restored {
  const restored: TypeCounts = {};
  const withheld: TypeCounts = {};
  let unknown = 0;
  let result = '';
  let done = 0;
  for (const { type, body, start, end, exact } of findSurrogates(text)) {
    if (!isGenuine(mac, type, body)) {
      if (exact) unknown += 1;
      continue;
    }
    // Text that only looked like a surrogate is nobody's secret.
    if (type !== 'TEXT' && !allows(type)) {
      count(withheld, type);
      continue;
    }
    const value = look(`${type}_${body}`);
    if (value === undefined) {
      unknown += 1;
      continue;
    }
    count(restored, type);
    result += text.slice(done, start) + value;
    done = end;
  }
  return { text: result + text.slice(done), restored, withheld, unknown };
}

export function count(counts: TypeCounts, type: SurrogateType, by = 1): void {
  counts[type] = (counts[type] ?? 0) + by;
}

export function addCounts(first: TypeCounts, second: TypeCounts): TypeCounts {
  const sum = { ...first };
  for (const type of surrogateTypesOf(second)) count(sum, type, second[type]);
  return sum;
}

function surrogateTypesOf(counts: TypeCounts): SurrogateType[] {
  return surrogateTypes.filter((type) => counts[type] !== undefined);
}
