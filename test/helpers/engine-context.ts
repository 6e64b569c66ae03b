import { onTestFinished } from 'vitest';
import type { StreamName } from '../../schemas/handle.ts';
import type {
  Engine,
  EngineContext,
  EngineReport,
  EngineSession,
} from '../../servers/worker/engines/engine.ts';
import { makeContext, type Place, type Scenario } from '../suites/engine.suite.ts';
import { eventually } from './processes.ts';

export interface StartedStage {
  context: EngineContext;
  session: EngineSession;
  reports: EngineReport[];
  output(stream: StreamName): string;
  truncated: Set<StreamName>;
  /** Resolves once a report that fits has come. */
  reported(fits: (report: EngineReport) => boolean): Promise<EngineReport>;
  said(stream: StreamName, text: string): Promise<void>;
}

/** Starts one stage on an engine, with what it writes and reports kept in memory. */
export function startStage(
  engine: Engine,
  place: Place,
  scenario: Scenario,
  changes: Partial<EngineContext> = {},
): StartedStage {
  const made = makeContext(place, scenario);
  const truncated = new Set<StreamName>();
  const output = { ...made.context.output, truncated: (stream: StreamName) => void truncated.add(stream) };
  const context = { ...made.context, output, ...changes };
  const session = engine.start(context);
  onTestFinished(async () => {
    session.end({ kind: 'cancelled' });
    await session.done;
  });
  const text = (stream: StreamName): string => Buffer.concat(made.chunks.get(stream) ?? []).toString('utf8');
  return {
    context,
    session,
    reports: made.reports,
    output: text,
    truncated,
    async reported(fits) {
      await eventually(() => made.reports.some(fits), 20_000);
      const report = made.reports.find(fits);
      if (report === undefined) throw new Error('No such report.');
      return report;
    },
    said: (stream, part) => eventually(() => text(stream).includes(part), 20_000),
  };
}
