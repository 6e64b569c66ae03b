import { ok, refused, type Result } from './result.ts';

/** A path below the folder a run works in, step by step: `*` and `?` within a step, `**` for any number of them. */
export type ArtifactPattern = readonly string[];

/** How far a path matches a pattern: which steps may come next; the number of its steps where it is matched whole. */
export type Matched = ReadonlySet<number>;

const maxSteps = 32;
export const anyDepth = '**';

/** The steps of a pattern, or why it is none. */
export function parseArtifactPattern(text: string): Result<ArtifactPattern, string> {
  const steps = text.replace(/\/$/, '').split('/');
  if (steps[0] === '') return refused('must be relative');
  if (text.includes('\0')) return refused('must be a path');
  if (steps.some((step) => step === '' || step === '.' || step === '..'))
    return refused('must have no empty step, "." or ".."');
  return steps.length > maxSteps ? refused(`must have at most ${String(maxSteps)} steps`) : ok(steps);
}

export function matchedNothing(pattern: ArtifactPattern): Matched {
  return closed(pattern, new Set([0]));
}

/** After one more step of a path. What lies below a folder that is matched whole is matched, too. */
export function matchStep(pattern: ArtifactPattern, before: Matched, name: string): Matched {
  const after = new Set<number>();
  for (const at of before) {
    const step = pattern[at];
    if (step === undefined || step === anyDepth) after.add(at);
    else if (matchesName(step, name)) after.add(at + 1);
  }
  return closed(pattern, after);
}

export function isWhole(pattern: ArtifactPattern, matched: Matched): boolean {
  return matched.has(pattern.length);
}

/** `**` also stands for no step at all. */
function closed(pattern: ArtifactPattern, matched: Set<number>): Matched {
  for (const at of matched) if (pattern[at] === anyDepth) matched.add(at + 1);
  return matched;
}

/** In time that grows with the product of the lengths, whatever the pattern. */
function matchesName(pattern: string, name: string): boolean {
  let [p, n] = [0, 0];
  let [star, retried] = [-1, 0];
  while (n < name.length) {
    if (pattern[p] === '*') {
      [star, retried] = [p, n];
      p += 1;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p += 1;
      n += 1;
    } else if (star >= 0) {
      retried += 1;
      [p, n] = [star + 1, retried];
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}
