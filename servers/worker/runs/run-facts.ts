import { maxEscalations } from '../../../core/escalation.ts';
import { clipToJsonBytes } from '../../../core/json-bytes.ts';
import { addUsage } from '../../../core/usage.ts';
import type { Decision } from '../../../schemas/manifest.ts';
import type { EscalationKind, Liveness, Question, Usage } from '../../../schemas/run.ts';
import type { Reaping } from '../../../schemas/worker.ts';
import type { EngineEnd, EngineReport } from '../engines/engine.ts';
import type { RunRecord } from './record.ts';

/** What engines said of a run, besides its output and its question. */
export interface RunFacts {
  first_output_at: number | undefined;
  liveness: Liveness | undefined;
  usage: Usage | undefined;
  decisions: Decision[];
  /** Escalations that were declined because there were too many, and are not among the decisions. */
  unlisted: number;
  notes: string[];
  reaping: Reaping | undefined;
  degraded: string[];
  engine_thread_id: string | undefined;
  error: string | undefined;
}

/* Bounds of what one run may say, so that its record always fits one reply to a coordinator. */
const maxDecisions = 200;
const maxNotes = 50;
const maxTextBytes = 300;
const maxWhyBytes = 600;
const maxLongTextBytes = 4_000;

export function emptyFacts(): RunFacts {
  return {
    first_output_at: undefined,
    liveness: undefined,
    usage: undefined,
    decisions: [],
    unlisted: 0,
    notes: [],
    reaping: undefined,
    degraded: [],
    engine_thread_id: undefined,
    error: undefined,
  };
}

export function factsOf({ detail }: RunRecord): RunFacts {
  return {
    first_output_at: detail.first_output_at,
    liveness: detail.liveness,
    usage: detail.usage,
    decisions: detail.decisions,
    unlisted: 0,
    notes: detail.notes,
    reaping: detail.reaping,
    degraded: detail.degraded ?? [],
    engine_thread_id: detail.engine_thread_id,
    error: detail.error,
  };
}

/** Takes down one report; a question is the run's state and not kept here. */
export function takeDown(facts: RunFacts, report: EngineReport, now: number): void {
  switch (report.kind) {
    case 'thread':
      facts.engine_thread_id = report.thread_id;
      return;
    case 'usage':
      facts.usage = addUsage(facts.usage, report.usage);
      return;
    case 'reaping':
      facts.reaping = report.reaping;
      return;
    case 'degraded':
      facts.degraded = [...new Set([...facts.degraded, ...report.layers])];
      return;
    case 'note':
      takeNote(facts, report.text);
      return;
    case 'decision':
      if (report.escalation === undefined)
        takeDecision(facts, { at: now, asked: clip(report.asked), answer: report.answer, by: report.by });
      else takeEscalation(facts, { ...report, escalation: report.escalation }, now);
      return;
    case 'question':
  }
}

function takeNote(facts: RunFacts, text: string): void {
  const note = clip(text);
  if (facts.notes.length < maxNotes && !facts.notes.includes(note)) facts.notes.push(note);
}

type EscalationReport = Extract<EngineReport, { kind: 'decision' }> & { escalation: EscalationKind };

/** Asked and decided are one entry, whose time is that of the question and differs from that of any other. */
function takeEscalation(
  facts: RunFacts,
  { escalation, answer, by, why, ...report }: EscalationReport,
  now: number,
): void {
  const asked = clip(report.asked);
  const open = facts.decisions.findIndex(
    (one) => one.answer === 'asked' && one.asked === asked && one.escalation === escalation,
  );
  const told = {
    asked,
    answer,
    by,
    escalation,
    ...(why !== undefined && { why: clipToJsonBytes(why, maxWhyBytes) }),
  };
  const known = facts.decisions[open];
  if (known !== undefined && answer !== 'asked') {
    facts.decisions[open] = { ...told, at: known.at, decided_at: now };
    return;
  }
  const earlier = escalationsOf(facts);
  if (earlier.length >= maxEscalations) {
    facts.unlisted += 1;
    return;
  }
  const at = Math.max(now, (earlier.at(-1)?.at ?? 0) + 1);
  facts.decisions.push({ ...told, at, ...(answer !== 'asked' && { decided_at: at }) });
}

function escalationsOf({ decisions }: RunFacts): Decision[] {
  return decisions.filter((one) => one.escalation !== undefined);
}

/** Why a run is asked about no further escalation; undefined where it may be. */
export function escalationsSpent(facts: RunFacts): string | undefined {
  if (escalationsOf(facts).length < maxEscalations) return undefined;
  return `It has asked for more ${String(maxEscalations)} times: further requests are declined.`;
}

export function noteUnlisted(facts: RunFacts): void {
  if (facts.unlisted === 0) return;
  takeNote(facts, `${String(facts.unlisted)} further requests for more were declined, and are not listed.`);
}

function takeDecision(facts: RunFacts, decision: Decision): void {
  const ordinary = facts.decisions.length - escalationsOf(facts).length;
  if (ordinary < maxDecisions) facts.decisions.push(decision);
  else takeNote(facts, `Decisions after the first ${String(maxDecisions)} are not listed.`);
}

function clip(text: string): string {
  return clipToJsonBytes(text, maxTextBytes);
}

/** A stage's end as it may be told: an engine's words are bounded like everything else. */
export function boundedEnd({ outcome, error, retry_at }: EngineEnd): EngineEnd {
  return {
    outcome:
      outcome.kind === 'engine'
        ? {
            kind: 'engine',
            code: clip(outcome.code),
            message: clipToJsonBytes(outcome.message, maxLongTextBytes),
          }
        : outcome,
    ...(error !== undefined && { error: clipToJsonBytes(error, maxLongTextBytes) }),
    ...(retry_at !== undefined && { retry_at }),
  };
}

export function boundedQuestion(question: Question): Question {
  return { ...question, text: clipToJsonBytes(question.text, maxLongTextBytes) };
}
