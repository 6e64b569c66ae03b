import { createDetection, type Detection } from './detect.ts';
import type { KnownValue } from './detectors/known-values.ts';
import { usualTypes, type Finding, type PrivateType, type Replace } from './finding.ts';
import { LineReader } from './line-reader.ts';

/** Stands between a stream and whoever keeps it: bytes in, the same bytes with private values replaced out. */
export interface Guard {
  /** Takes bytes; answers those that are settled. Holds back less than 128 KiB: a line or block up to `windowBytes`, and what follows it. */
  transform(chunk: Uint8Array): Uint8Array;
  /** Answers what is left. The guard may be used again, as if new. */
  flush(): Uint8Array;
  /** Bytes held back. */
  readonly waiting: number;
}

export interface GuardOptions {
  replace: Replace;
  /** Default `usualTypes`. */
  types?: readonly PrivateType[];
  knownValues?: readonly KnownValue[];
}

/** What a guard looks for, compiled once for many guards; a compiled one takes about 4 MB. */
const compiled = new Map<string, Detection>();
const mostCompiled = 8;

function detectionOf({ types = usualTypes, knownValues = [] }: GuardOptions): Detection {
  const key = JSON.stringify([types, knownValues]);
  const kept = compiled.get(key);
  if (kept !== undefined) return kept;
  const [oldest] = compiled.keys();
  if (compiled.size >= mostCompiled && oldest !== undefined) compiled.delete(oldest);
  const detection = createDetection(types, knownValues);
  compiled.set(key, detection);
  return detection;
}

/**
 * The output is the same for every way of cutting the input into chunks. Bytes that hold nothing
 * private come out as they are, whatever they are; they are handed on without a copy.
 */
export function createGuard(options: GuardOptions): Guard {
  const detection = detectionOf(options);
  let reader = new LineReader(detection, options.replace);
  return {
    get waiting() {
      return reader.waiting;
    },
    transform: (chunk) => reader.take(chunk),
    flush() {
      const rest = reader.end();
      reader = new LineReader(detection, options.replace);
      return rest;
    },
  };
}

/** A whole text through a guard: prompts, error messages, log lines. */
export function guardText(text: string, options: GuardOptions): string {
  const guard = createGuard(options);
  const bytes = Buffer.from(text);
  const first = guard.transform(bytes);
  const rest = guard.flush();
  if (rest.length === 0 && first === bytes) return text;
  return Buffer.concat([first, rest]).toString();
}

/** What a guard would replace in a text, in order: for questions about a text that change nothing. */
export function findingsIn(text: string, options: Omit<GuardOptions, 'replace'>): Finding[] {
  const found: Finding[] = [];
  const replace: Replace = (finding) => {
    found.push(finding);
    return finding.raw;
  };
  guardText(text, { ...options, replace });
  return found;
}

/**
 * A JSON value with every private string in it replaced, keys included. A value is read together
 * with the name of its field, so that `{"password": …}` tells as much as it does in text.
 */
export function guardJson(value: unknown, options: GuardOptions): unknown {
  return walk(value, '', options);
}

function walk(value: unknown, field: string, options: GuardOptions): unknown {
  if (typeof value === 'string') return guardField(field, value, options);
  if (typeof value === 'number' && Math.abs(value) >= 1e6) {
    const text = String(value);
    const guarded = guardField(field, text, options);
    return guarded === text ? value : guarded;
  }
  if (Array.isArray(value)) return value.map((one) => walk(one, field, options));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [guardText(key, options), walk(one, key, options)]),
  );
}

/** The value as it would stand in a line of its own behind its field's name. */
function guardField(field: string, value: string, options: GuardOptions): string {
  if (field === '' || value.length > 512 || value.includes('\n') || value.includes('"'))
    return guardText(value, options);
  const lead = `"${field}": "`;
  const replaced: string[] = [];
  let from = 0;
  const text = Buffer.from(`${lead}${value}"`);
  const head = Buffer.byteLength(lead);
  for (const finding of detectionOf(options).findings(text)) {
    if (finding.start < head || finding.end > text.length - 1) continue;
    replaced.push(text.subarray(head + from, finding.start).toString(), options.replace(finding));
    from = finding.end - head;
  }
  return from === 0 ? value : replaced.join('') + text.subarray(head + from, -1).toString();
}
