import type { KnownValue } from './detectors/known-values.ts';
import type { Finding, PrivateType } from './finding.ts';
import { createGuard, guardText, type Guard, type GuardOptions } from './guard.ts';
import { count } from './restore.ts';
import { isGenuine, makeSurrogate, type Mac } from './surrogate.ts';
import { findSurrogates } from './surrogate-scan.ts';
import type { SurrogateType, TypeCounts } from '../../schemas/privacy.ts';

/** A value that a surrogate now stands for. */
export interface Replaced {
  surrogate: string;
  type: SurrogateType;
  /** What stood there, to the byte. */
  raw: Uint8Array;
}

export interface SurrogateGuardOptions {
  mac: Mac;
  types: readonly PrivateType[];
  knownValues: readonly KnownValue[];
  /** Told of every surrogate once. */
  onNew: (replaced: Replaced) => void;
}

/** Replaces what is private by the surrogates of one scope, in texts and in streams. */
export interface SurrogateGuard {
  text(text: string): string;
  /** One a stream. */
  stream(): Guard;
  /** How many values were replaced so far. */
  counts(): TypeCounts;
}

/** Spellings whose surrogates are remembered. */
const mostRemembered = 20_000;

export function createSurrogateGuard({
  mac,
  types,
  knownValues,
  onNew,
}: SurrogateGuardOptions): SurrogateGuard {
  const known = new Map<string, string>();
  const counts: TypeCounts = {};

  function replace(finding: Finding): string {
    if (isSurrogate(mac, finding.raw)) return finding.raw;
    const { type, value, raw, latin1 } = finding;
    count(counts, type);
    const key = `${type}|${latin1 ? 'b' : 't'}|${value}|${raw}`;
    const made = known.get(key);
    if (made !== undefined) return made;
    const surrogate = makeSurrogate(mac, type, value, raw);
    if (known.size >= mostRemembered) known.clear();
    known.set(key, surrogate);
    onNew({ surrogate, type, raw: Buffer.from(raw, latin1 ? 'latin1' : 'utf8') });
    return surrogate;
  }
  const options: GuardOptions = { replace, types, knownValues };
  return {
    text: (text) => guardText(text, options),
    stream: () => createGuard(options),
    counts: () => ({ ...counts }),
  };
}

/** Whether a text is one surrogate of this scope and nothing else: it is no private value, whatever it looks like. */
function isSurrogate(mac: Mac, text: string): boolean {
  const [shape, ...others] = findSurrogates(text);
  if (shape === undefined || others.length > 0) return false;
  return (
    shape.exact && shape.start === 0 && shape.end === text.length && isGenuine(mac, shape.type, shape.body)
  );
}
