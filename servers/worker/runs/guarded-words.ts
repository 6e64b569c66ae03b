import { sanitize } from '../../../core/sanitize.ts';
import type { EngineEnd, EngineReport } from '../engines/engine.ts';
import type { RunPrivacy } from '../privacy/run-privacy.ts';

/** What an engine says of a run, beside its output, as it may be kept. */
export function guardedReport({ text }: Pick<RunPrivacy, 'text'>, said: EngineReport): EngineReport {
  switch (said.kind) {
    case 'note':
      return { ...said, text: text(said.text) };
    case 'decision':
      return { ...said, asked: sanitize(text(said.asked)) };
    case 'question':
      return said.question === undefined
        ? said
        : { ...said, question: { ...said.question, text: text(said.question.text) } };
    case 'thread':
    case 'usage':
    case 'reaping':
    case 'degraded':
      return said;
  }
}

export function guardedEnd({ text }: Pick<RunPrivacy, 'text'>, end: EngineEnd): EngineEnd {
  const { outcome, error } = end;
  return {
    ...end,
    outcome: outcome.kind === 'engine' ? { ...outcome, message: text(outcome.message) } : outcome,
    ...(error !== undefined && { error: text(error) }),
  };
}
