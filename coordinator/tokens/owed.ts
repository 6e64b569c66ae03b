import { shareOf, type ToldPart } from '../../core/told-parts.ts';
import type { TokenCount } from '../../schemas/manifest.ts';

export interface OwedTokens extends TokenCount {
  run_id: string;
}

/** Tokens that were told of runs and are not recorded yet. */
export interface Owed {
  add(part: ToldPart, tokens: number): void;
  /** Of a part nobody can count any more: as many as those that were counted have for its bytes. */
  reckon(part: ToldPart): void;
  /** What is owed so far; a part that is to be reckoned once some was counted. */
  take(): OwedTokens[];
  giveBack(owed: OwedTokens): void;
}

/** Runs that wait for a worker, with what was told of them. */
const maxRuns = 20_000;

export function createOwed(): Owed {
  const exact = new Map<string, number>();
  const sampled = new Map<string, number>();
  const uncounted = new Map<string, number>();
  let bytes = 0;
  let tokens = 0;

  function put(where: Map<string, number>, runId: string, more: number): void {
    where.set(runId, (where.get(runId) ?? 0) + more);
    const [oldest] = where.keys();
    if (where.size > maxRuns && oldest !== undefined) where.delete(oldest);
  }
  function spread(where: Map<string, number>, { run_ids: ids }: ToldPart, total: number): void {
    for (const [at, runId] of ids.entries()) put(where, runId, shareOf(total, { of: ids.length, at }));
  }
  function takeAll(from: Map<string, number>, method: TokenCount['method']): OwedTokens[] {
    const rows = [...from].map(([runId, count]) => ({ run_id: runId, tokens: count, method }));
    from.clear();
    return rows;
  }
  return {
    add(part, count) {
      bytes += Buffer.byteLength(part.text);
      tokens += count;
      spread(exact, part, count);
    },
    reckon(part) {
      spread(uncounted, part, Buffer.byteLength(part.text));
    },
    take() {
      if (bytes > 0) {
        for (const [runId, size] of uncounted) put(sampled, runId, Math.round((size * tokens) / bytes));
        uncounted.clear();
      }
      return [...takeAll(exact, 'exact'), ...takeAll(sampled, 'sampled')];
    },
    giveBack({ run_id: runId, tokens: count, method }) {
      put(method === 'exact' ? exact : sampled, runId, count);
    },
  };
}
