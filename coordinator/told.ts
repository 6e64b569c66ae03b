import type { Call } from '../mcp/handlers.ts';
import { cliClientName } from '../schemas/server-info.ts';

/** Characters of replies kept until somebody counts their tokens. */
const maxCharacters = 2 * 2 ** 20;
/** And how many of them: one that shows no output takes room, too. */
const maxReplies = 4_096;
const maxRuns = 4_096;

/** What reached clients of one run's output. */
export interface ToldRun {
  replies: number;
  /** Of the output shown in them, kept or not. */
  characters: number;
  /** The latest replies; those before were let go. */
  kept: { reply: object; characters: number }[];
}

/**
 * What of each run's output reached the agents that call, since this coordinator began: its part of
 * poll_run replies, and pages. Remembers references only; tokens are counted where somebody asks.
 */
export interface Told {
  readonly since: number;
  add(runId: string, told: { reply: object; shown: string }, call: Pick<Call, 'client'>): void;
  of(runId: string): Readonly<ToldRun>;
}

export function createTold(now: number): Told {
  const runs = new Map<string, ToldRun>();
  /** Runs by reply, oldest first. */
  const order: ToldRun[] = [];
  let characters = 0;

  function runOf(runId: string): ToldRun {
    const known = runs.get(runId);
    if (known !== undefined) return known;
    const made: ToldRun = { replies: 0, characters: 0, kept: [] };
    runs.set(runId, made);
    const [oldest] = runs.keys();
    if (runs.size > maxRuns && oldest !== undefined) runs.delete(oldest);
    return made;
  }
  return {
    since: now,
    add(runId, { reply, shown }, { client }) {
      // Our commands show a person; no model reads that.
      if (client.name === cliClientName) return;
      const run = runOf(runId);
      run.replies += 1;
      run.characters += shown.length;
      run.kept.push({ reply, characters: shown.length });
      order.push(run);
      characters += shown.length;
      while (characters > maxCharacters || order.length > maxReplies) {
        characters -= order.shift()?.kept.shift()?.characters ?? characters;
      }
    },
    of: (runId) => runs.get(runId) ?? { replies: 0, characters: 0, kept: [] },
  };
}
