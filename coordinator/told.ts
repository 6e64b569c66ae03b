import { addTold, nothingTold, type ToldRow } from '../core/token-ledger.ts';
import { shareOf, type ToldPart } from '../core/told-parts.ts';
import type { TokenCount } from '../schemas/manifest.ts';
import type { RunStore } from './store/run-store.ts';

/** Characters of replies kept until somebody counts their tokens. */
const maxCharacters = 2 ** 20;
/** And how many of them: a short one takes room, too. */
const maxParts = 4_096;
/** Runs with news to write down, where nothing can be written. */
const maxUnsaved = 4_096;
/** What was told rides with other writes, no more often than this, and is written by itself after that. */
const rideMs = 1_000;
const quietMs = 5_000;

/**
 * What reached the agents that call, by run: every reply about it, as it was sent, counted once. How many
 * bytes is written down, so that it outlives this process; of the latest replies the texts are kept, too.
 */
export interface Told {
  /** `sent`: the object that is sent, for `retract`. */
  add(parts: readonly ToldPart[], sent?: object): void;
  /** That object was not sent after all. */
  retract(sent: object): void;
  /** Texts nobody has counted, the oldest first, about as many characters as asked for. */
  take(characters: number): ToldPart[];
  /**
   * Tokens of a part that was taken, which is let go; undefined where they could not be counted. False for what was
   * retracted meanwhile.
   */
  counted(part: ToldPart, tokens: number | undefined): boolean;
  /** Tokens of all a run has put out, had it been answered inline. */
  inline(runId: string, count: TokenCount): void;
  /** Texts about a run that are still kept, each for so many runs, and the bytes that are this one's. */
  kept(runId: string): { text: string; runs: number; bytes: number }[];
  /** Writes down what is not written yet. */
  save(): Promise<void>;
  /** Called when there is something to take. */
  onNews: (() => void) | undefined;
  /** Called with a text that is let go before anybody took it. */
  onLost: ((part: ToldPart) => void) | undefined;
}

export function createTold(store: Pick<RunStore, 'tell' | 'alongside'>): Told {
  let unsaved = new Map<string, ToldRow>();
  const kept: ToldPart[] = [];
  /** Taken to be counted. */
  const taken = new Set<ToldPart>();
  let characters = 0;
  const sentParts = new WeakMap<object, readonly ToldPart[]>();
  const retracted = new WeakSet<ToldPart>();
  let savedAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let saving: Promise<void> = Promise.resolve();

  function note(row: ToldRow): void {
    unsaved.set(row.run_id, addTold(unsaved.get(row.run_id) ?? nothingTold(row.run_id), row));
    const [oldest] = unsaved.keys();
    if (unsaved.size > maxUnsaved && oldest !== undefined) unsaved.delete(oldest);
    timer ??= setTimeout(() => void save(), quietMs).unref();
  }
  function noteParts(parts: readonly ToldPart[], sign: 1 | -1): void {
    const seen = new Set<string>();
    for (const { run_ids: ids, text } of parts) {
      const bytes = Buffer.byteLength(text);
      for (const [at, runId] of ids.entries()) {
        const replies = seen.has(runId) ? 0 : sign;
        seen.add(runId);
        note({ ...nothingTold(runId), replies, bytes: sign * shareOf(bytes, { of: ids.length, at }) });
      }
    }
  }
  function takeRows(): ToldRow[] {
    clearTimeout(timer);
    timer = undefined;
    savedAtMs = performance.now();
    const rows = [...unsaved.values()];
    unsaved = new Map();
    return rows;
  }
  function giveBack(rows: readonly ToldRow[]): void {
    for (const row of rows) note(row);
  }
  function save(): Promise<void> {
    const rows = takeRows();
    if (rows.length === 0) return saving;
    const begun = store.tell(rows).catch(() => giveBack(rows));
    saving = Promise.all([saving, begun]).then(() => undefined);
    return saving;
  }
  function letGo(): ToldPart | undefined {
    const part = kept.shift();
    characters -= part?.text.length ?? 0;
    return part;
  }
  const told: Told = {
    add(parts, sent) {
      if (parts.length === 0) return;
      if (sent !== undefined) sentParts.set(sent, parts);
      noteParts(parts, 1);
      for (const part of parts) {
        kept.push(part);
        characters += part.text.length;
      }
      while (characters > maxCharacters || kept.length > maxParts) {
        const lost = letGo();
        if (lost !== undefined) told.onLost?.(lost);
      }
      told.onNews?.();
    },
    retract(sent) {
      const parts = sentParts.get(sent);
      if (parts === undefined) return;
      sentParts.delete(sent);
      noteParts(parts, -1);
      for (const part of parts) {
        retracted.add(part);
        taken.delete(part);
        const at = kept.lastIndexOf(part);
        if (at >= 0) characters -= kept.splice(at, 1)[0]?.text.length ?? 0;
      }
    },
    take(wanted) {
      const parts: ToldPart[] = [];
      for (let left = wanted; left > 0;) {
        const part = letGo();
        if (part === undefined) break;
        taken.add(part);
        parts.push(part);
        left -= part.text.length;
      }
      return parts;
    },
    counted(part, tokens) {
      taken.delete(part);
      if (retracted.has(part) || tokens === undefined) return false;
      const { run_ids: ids, text } = part;
      const bytes = Buffer.byteLength(text);
      for (const [at, runId] of ids.entries()) {
        const share = { of: ids.length, at };
        note({ ...nothingTold(runId), counted_bytes: shareOf(bytes, share), tokens: shareOf(tokens, share) });
      }
      return true;
    },
    inline(runId, count) {
      note({ ...nothingTold(runId), inline: count });
    },
    kept: (runId) =>
      [...taken, ...kept]
        .filter(({ run_ids: ids }) => ids.includes(runId))
        .map(({ run_ids: ids, text }) => {
          const share = { of: ids.length, at: ids.indexOf(runId) };
          return { text, runs: ids.length, bytes: shareOf(Buffer.byteLength(text), share) };
        }),
    save,
    onNews: undefined,
    onLost: undefined,
  };
  store.alongside(() => {
    if (unsaved.size > 0 && performance.now() - savedAtMs >= rideMs) void save();
  });
  return told;
}
