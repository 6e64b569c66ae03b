import { clipToJsonBytes } from '../../../core/json-bytes.ts';
import { addUsage } from '../../../core/usage.ts';
import type { Decision } from '../../../schemas/manifest.ts';
import type { Liveness, Question, Usage } from '../../../schemas/run.ts';
import type { Reaping } from '../../../schemas/worker.ts';
import type { EngineEnd, EngineReport } from '../engines/engine.ts';
import type { RunRecord } from './record.ts';

/** What engines said of a run, besides its output and its question. */
export interface RunFacts {
  first_output_at: number | undefined;
  liveness: Liveness | undefined;
  usage: Usage | undefined;
  decisions: Decision[];
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
const maxLongTextBytes = 4_000;

export function emptyFacts(): RunFacts {
  return {
    first_output_at: undefined,
    liveness: undefined,
    usage: undefined,
    decisions: [],
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
      takeDecision(facts, { at: now, asked: clip(report.asked), answer: report.answer, by: report.by });
      return;
    case 'question':
  }
}

function takeNote(facts: RunFacts, text: string): void {
  const note = clip(text);
  if (facts.notes.length < maxNotes && !facts.notes.includes(note)) facts.notes.push(note);
}

function takeDecision(facts: RunFacts, decision: Decision): void {
  if (facts.decisions.length < maxDecisions) facts.decisions.push(decision);
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
