import { defaultMaxAttempts, maxDeaths } from '../../core/retry.ts';
import type { AttemptRecord, Manifest } from '../../schemas/manifest.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { Oracle } from './oracle.ts';
import type { Deaths } from './processes.ts';
import type { Asked } from './traffic.ts';
import type { Violation } from './violation.ts';

export interface Evidence {
  manifestOf(runId: string): Manifest | undefined;
  oracle: Oracle;
  deaths: Deaths;
  /** Ids of engines that were killed from outside: a command's own, or a worker's of a run of Codex. */
  killed: ReadonlySet<string>;
  /** Whether the disk was full for a while. */
  diskWasFull: boolean;
  /** Whether what workers had written was taken away from them. */
  filesWereCut: boolean;
}

/** What is wrong with a run, in words; nothing where its state is what really happened. */
export function judgeRun(one: Asked, evidence: Evidence): Violation[] {
  const { snapshot, key } = one;
  const lost = (what: string): Violation[] => [{ promise: 'lost', what: `${key}: ${what}` }];
  if (one.runId === undefined) return lost('never accepted');
  if (snapshot === undefined || !isTerminal(snapshot.status))
    return lost(`last seen ${snapshot?.status ?? 'never'}`);
  const written = evidence.manifestOf(one.runId);
  if (written === undefined) return lost('no manifest of it');
  const told = (what: string): string =>
    `${key} (${one.pipeline}, exit ${String(one.code)}): ${what} — ${briefly(written)}`;
  return [
    ...judgeStarts(one, written, evidence).map(
      (what) => ({ promise: 'repeated', what: told(what) }) as const,
    ),
    ...judgeThread(one, written).map((what) => ({ promise: 'lost', what: told(what) }) as const),
    ...judgeEnd(one, written, evidence).map((what) => ({ promise: 'untrue', what: told(what) }) as const),
  ];
}

/** How late news of an end may be: a hedge that was begun meanwhile is no wonder. */
const newsMs = 5_000;

/**
 * One execution for each attempt at most; another attempt only where those before it were cut off, or
 * beside one under way where it is a hedge.
 */
function judgeStarts(one: Asked, { attempts }: Manifest, evidence: Evidence): string[] {
  const { key, pipeline } = one;
  const { starts } = evidence.oracle.of(key);
  const found: string[] = [];
  // A worker whose record of a run was cut off cannot know it: asked again, it starts it again.
  if (evidence.filesWereCut) return found;
  if (pipeline !== 'again' && starts > 1) found.push(`executed ${String(starts)} times`);
  if (starts > attempts.length)
    found.push(`${String(starts)} executions in ${String(attempts.length)} attempts`);
  for (const { hedge, claimed_at } of attempts) {
    if (hedge === undefined) continue;
    const { ended_at: until = claimed_at } = attempts[hedge.beside - 1] ?? { ended_at: 0 };
    if (pipeline !== 'again') found.push('hedged although it may not be repeated');
    if (until + newsMs < claimed_at) found.push('hedged beside an attempt that had ended');
  }
  const last = attempts.findLastIndex(({ hedge }) => hedge === undefined);
  const survived = attempts.slice(0, last).some((attempt) => !wasCutOff(attempt, one, evidence));
  if (starts > 1 && survived) found.push('executed again although its worker survived');
  return found;
}

/** What ended it was no doing of its own. */
function wasCutOff(attempt: AttemptRecord, { key, pipeline, code }: Asked, evidence: Evidence): boolean {
  const { outcome, hedge, placement, claimed_at: from, ended_at: to = Date.now() } = attempt;
  if (outcome?.kind === 'spawn') return true;
  // Of a run that was paused, say.
  if (outcome?.kind === 'cancelled' && hedge !== undefined) return true;
  // One that may be repeated is tried again where its process crashed.
  const crashed = code === 137 || evidence.killed.has(key);
  if (pipeline === 'again' && outcome?.kind === 'signal' && crashed) return true;
  return outcome?.kind === 'lost' && evidence.deaths.within(placement.worker_id, from, to);
}

/** How the run ended is how its process did, or the honest word for why nobody knows. */
function judgeEnd(one: Asked, { outcome, attempts }: Manifest, evidence: Evidence): string[] {
  const { starts, ends } = evidence.oracle.of(one.key);
  const wasKilled =
    evidence.killed.has(one.key) || attempts.some(({ remote_run_id: id = '' }) => evidence.killed.has(id));
  const cameToEnd = ends.includes(String(one.code));
  switch (outcome?.kind) {
    case 'exit':
      if (outcome.code !== one.code || starts === 0 || !cameToEnd)
        return [`it says exit ${String(outcome.code)}`];
      return [];
    case 'signal':
      return (one.code === 137 && cameToEnd) || wasKilled ? [] : [`it says ${outcome.signal}`];
    case 'cancelled':
      return one.cancelAsked ? [] : ['nobody cancelled it'];
    case 'lost': {
      const last = attempts.findLast((attempt) => attempt.outcome?.kind === 'lost');
      if (last === undefined) return ['lost without an attempt'];
      const { placement, claimed_at: from, ended_at: to = Date.now() } = last;
      return evidence.deaths.within(placement.worker_id, from, to) ? [] : ['lost although its worker lived'];
    }
    case 'limit':
      return evidence.diskWasFull && outcome.which === 'disk' ? [] : [`limit ${outcome.which}`];
    case 'spawn':
      return evidence.diskWasFull && outcome.errno === 'STORE_UNAVAILABLE' ? [] : [`spawn ${outcome.errno}`];
    case 'engine':
      return one.pipeline === 'codex' && wasKilled ? [] : [`engine ${outcome.code}`];
    case 'timeout':
    case undefined:
      return [`it ended by ${JSON.stringify(outcome)}`];
  }
}

/** A conversation that had begun goes on, until it was tried as often as it may be; `starts` counts its threads. */
function judgeThread({ pipeline }: Asked, { status, attempts }: Manifest): string[] {
  const threads = attempts.flatMap(({ engine_thread_id: id }) => id ?? []);
  if (pipeline !== 'codex' || threads.length === 0) return [];
  const deaths = attempts.filter(({ outcome }) => outcome?.kind === 'lost').length;
  const isTried = deaths >= maxDeaths || attempts.length >= defaultMaxAttempts;
  return status === 'completed' || isTried ? [] : ['its thread did not go on'];
}

function briefly({ attempts }: Manifest): string {
  const tell = ({ placement, outcome, hedge }: AttemptRecord): string => {
    const beside = hedge === undefined ? '' : ` beside ${String(hedge.beside)}`;
    return `${placement.worker_id}${beside}: ${JSON.stringify(outcome)}`;
  };
  return `attempts ${attempts.map(tell).join(', ')}`;
}
