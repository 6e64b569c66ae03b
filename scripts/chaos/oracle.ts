import { readFileSync } from 'node:fs';

/** What really ran under one id, and when it was first seen to have ended. */
export interface Truth {
  starts: number;
  /** Exit codes, one for each execution that came to its end. */
  ends: string[];
  endSeenMs: number | undefined;
}

/** The commands' own record of what they did; `look()` reads what came since the last time. */
export interface Oracle {
  look(): void;
  of(id: string): Truth;
}

export function openOracle(file: string): Oracle {
  const truths = new Map<string, Truth>();
  let taken = 0;
  const of = (id: string): Truth => {
    const known = truths.get(id) ?? { starts: 0, ends: [], endSeenMs: undefined };
    truths.set(id, known);
    return known;
  };
  return {
    look() {
      const text = readFileSync(file, 'latin1');
      const upTo = text.lastIndexOf('\n') + 1;
      for (const line of text.slice(taken, upTo).split('\n')) {
        const [word, id = '', code = ''] = line.split(' ');
        if (word === 'start') of(id).starts += 1;
        if (word !== 'end') continue;
        of(id).ends.push(code);
        of(id).endSeenMs = Date.now();
      }
      taken = upTo;
    },
    of,
  };
}
