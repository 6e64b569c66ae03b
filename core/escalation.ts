import type { LimitState, RunLimits, RunLimitName } from '../schemas/limits.ts';
import type { Decision } from '../schemas/manifest.ts';
import type { EscalationKind, Question } from '../schemas/run.ts';
import type { Reaping } from '../schemas/worker.ts';
import { clipToJsonBytes } from './json-bytes.ts';
import { layersOfLimits, limitFix } from './limits.ts';
import { sanitize } from './sanitize.ts';

/** Of a question in a reply or a dialog. */
const maxQuestionBytes = 4_000;

/** Of why one was declined, in a reply. */
const maxWhyBytes = 600;

/** More are declined, and only counted. */
export const maxEscalations = 64;

/** What is known of how a run is held. */
export interface HeldBy {
  /** What it is held to, as configuration, pipeline and run together ask for it. */
  limits: RunLimits | undefined;
  /** What came of trying each layer here. */
  states: readonly LimitState[];
  reaping: Reaping;
}

/** Without these, one command can take the whole machine. */
const needed: readonly RunLimitName[] = ['memory_bytes', 'processes'];

/**
 * Why a run may get nothing beyond what it was started with, whoever would grant it; undefined where it
 * may. It may only where quotas are enforced: it has a limit of memory and of processes, every limit it
 * has is enforced rather than looked at from time to time, and its whole tree can be ended.
 */
export function escalationBar({ limits = {}, states, reaping }: HeldBy): string | undefined {
  const missing = needed.filter((name) => limits[name] === undefined);
  if (missing.length > 0) {
    return `It has no limit of ${missing.join(' and ')}: set both in "limits" of the configuration, the pipeline or start_run.`;
  }
  for (const layer of layersOfLimits(limits)) {
    const state = states.find((one) => one.layer === layer);
    if (state?.state === 'enforced') continue;
    const { state: how = 'missing', why = 'never tried' } = state ?? {};
    if (layer === 'disk' && how === 'degraded')
      return `Its limit "disk_bytes" is degraded (${why}): only a run without one can get more.`;
    return `Its limit of ${layer} is ${how} (${why}). ${limitFix({ layer, state: how, why })}`;
  }
  if (reaping === 'best_effort')
    return 'Its processes can only be ended as far as they are found ("reaping" is best_effort): install bubblewrap.';
  return undefined;
}

const intents: Readonly<Record<EscalationKind, string>> = {
  sandbox: 'To run outside its sandbox',
  files: 'To change files outside its workspace',
  network: 'To reach the network',
  permissions: 'For more permissions',
};

/** A question as it is shown: what it asks for in our words, then a worker's, as visible text. */
export function wordsOfQuestion({ text, escalation }: Question): string {
  const words = clipToJsonBytes(sanitize(text), maxQuestionBytes);
  return escalation === undefined ? words : `${intents[escalation]}: ${words}`;
}

/** A question in a dialog: what a worker says stands in lines of their own, each marked, and none looks like ours. */
export function dialogOf({ escalation, ...question }: Question): string {
  const words = quoted(wordsOfQuestion(question));
  return escalation === undefined ? words : `${intents[escalation]}:\n\n${words}`;
}

export function quoted(words: string): string {
  return words.replaceAll(/^/gm, '> ');
}

/** What became of a run's escalations, in one line; undefined where there were none. */
export function tellEscalations(decisions: readonly Decision[]): string | undefined {
  const all = decisions.filter((one) => one.escalation !== undefined);
  if (all.length === 0) return undefined;
  const granted = all.filter((one) => one.answer === 'accepted').length;
  const declined = all.filter((one) => one.answer === 'declined').length;
  const open = all.length - granted - declined;
  const counts = [
    ...(granted > 0 ? [`${String(granted)} granted`] : []),
    ...(declined > 0 ? [`${String(declined)} declined`] : []),
    ...(open > 0 ? [`${String(open)} unanswered`] : []),
  ].join(', ');
  const why = all.findLast((one) => one.by === 'rule')?.why;
  return why === undefined ? counts : `${counts}. ${clipToJsonBytes(sanitize(why), maxWhyBytes)}`;
}
