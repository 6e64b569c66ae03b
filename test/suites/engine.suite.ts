import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Config } from '../../schemas/config.ts';
import type { StreamName } from '../../schemas/handle.ts';
import { pipeline as pipelineSchema, type Pipeline, type Stage } from '../../schemas/pipeline.ts';
import type { Outcome, RunSpec } from '../../schemas/run.ts';
import type {
  Engine,
  EngineContext,
  EngineReport,
  EngineSession,
  PauseKind,
} from '../../servers/worker/engines/engine.ts';
import type { StartProcess } from '../../servers/worker/runner/process.ts';
import { eventually, newMarker, processesWith } from '../helpers/processes.ts';
import { scratchFolder } from '../helpers/scratch.ts';

/** What an engine is to do in one test. */
export interface Scenario {
  stage: Stage;
  /** Fields of the run that matter to the engine; the rest is made up. */
  spec?: Partial<RunSpec>;
  pipeline?: Partial<Pipeline>;
}

/** Where the engine works: made new for every test, and taken down by `onTestFinished`. */
export interface Place {
  config: Config;
  env: Record<string, string>;
  startProcess: StartProcess;
  credential?: (name: string) => string | undefined;
}

/** How to make an engine do what the suite looks at. `marker` has to be in the arguments of every process it leaves. */
export interface EngineSubject {
  engine: Engine;
  place(): Promise<Place>;
  /** Ends well, having written `text` to `stream`. */
  succeed(place: Place): Promise<Scenario & { stream: StreamName; text: string }>;
  /** Ends by itself with that outcome. */
  fail(place: Place): Promise<Scenario & { outcome: Outcome }>;
  /** Writes so many bytes to `stream`, as `isComplete` can tell. */
  print(
    place: Place,
    bytes: number,
  ): Promise<Scenario & { stream: StreamName; isComplete(bytes: Buffer): boolean }>;
  /** Runs until it is ended; writes `text` to `stream` once it is under way. */
  sleep(place: Place, marker: string): Promise<Scenario & { stream: StreamName; text: string }>;
  /** As `sleep`, with grandchildren in sessions of their own. */
  fork(place: Place, marker: string): Promise<Scenario & { stream: StreamName; text: string }>;
  pause: PauseKind;
}

/** What every engine owes the worker, whatever it runs. */
export function describeEngine(name: string, subject: EngineSubject): void {
  describe(`engine ${name}`, () => {
    it('is available, and accepts what it can serve', async () => {
      const place = await subject.place();
      const status = await subject.engine.probe({ ...place, stateDir: scratchFolder() });
      expect(status).toMatchObject({ engine: subject.engine.name, available: true });
      const { context } = makeContext(place, await subject.succeed(place));
      await subject.engine.check(context.stage, context.pipeline, context.spec, context.config);
    });

    it('succeeds, its output delivered before it is done', async () => {
      const place = await subject.place();
      const scenario = await subject.succeed(place);
      const stage = start(subject, place, scenario);
      expect(await stage.session.done).toMatchObject({ outcome: { kind: 'exit', code: 0 } });
      expect(stage.output(scenario.stream).toString()).toContain(scenario.text);
      expect(stage.reports).toContainEqual({ kind: 'reaping', reaping: expect.any(String) });
    });

    it('fails as what it runs fails', async () => {
      const place = await subject.place();
      const scenario = await subject.fail(place);
      const end = await start(subject, place, scenario).session.done;
      expect(end.outcome).toEqual(scenario.outcome);
    });

    it('keeps 15 MB of output whole', async () => {
      const place = await subject.place();
      const scenario = await subject.print(place, 15_000_000);
      const stage = start(subject, place, scenario);
      expect(await stage.session.done).toMatchObject({ outcome: { kind: 'exit', code: 0 } });
      expect(scenario.isComplete(stage.output(scenario.stream))).toBe(true);
    });

    it('ends when told to, by the first cause', async () => {
      const { stage, marker } = await startSleeping(subject);
      stage.session.end({ kind: 'cancelled' });
      stage.session.end({ kind: 'cancelled' });
      stage.session.end({ kind: 'timeout', wall_ms: 1 });
      expect(await stage.session.done).toMatchObject({ outcome: { kind: 'cancelled' } });
      expect(processesWith(marker)).toEqual([]);
    });

    it.each<Extract<Outcome, { kind: 'timeout' | 'limit' | 'lost' }>>([
      { kind: 'timeout', wall_ms: 1234 },
      { kind: 'limit', which: 'output' },
      { kind: 'lost', resumable: false },
    ])('ends by $kind', async (cause) => {
      const { stage, marker } = await startSleeping(subject);
      stage.session.end(cause);
      expect((await stage.session.done).outcome).toEqual(cause);
      expect(processesWith(marker)).toEqual([]);
    });

    it('ends when told to right after its start', async () => {
      const place = await subject.place();
      const marker = newMarker();
      const stage = start(subject, place, await subject.sleep(place, marker));
      stage.session.end({ kind: 'cancelled' });
      expect((await stage.session.done).outcome).toEqual({ kind: 'cancelled' });
      expect(processesWith(marker)).toEqual([]);
    });

    it('takes every call after its end, and stays as it ended', async () => {
      const place = await subject.place();
      const stage = start(subject, place, await subject.succeed(place));
      const end = await stage.session.done;
      stage.session.end({ kind: 'cancelled' });
      stage.session.continue();
      await expect(stage.session.pause()).rejects.toMatchObject({ code: 'WRONG_STATE' });
      await expect(stage.session.steer('more')).rejects.toMatchObject({ code: 'WRONG_STATE' });
      await expect(stage.session.answer('accept', 'client')).rejects.toMatchObject({ code: 'WRONG_STATE' });
      expect(await stage.session.done).toBe(end);
    });

    it('leaves no process, wherever it went', async () => {
      const place = await subject.place();
      const marker = newMarker();
      const scenario = await subject.fork(place, marker);
      const stage = start(subject, place, scenario);
      await stage.said(scenario.stream, scenario.text);
      expect(processesWith(marker).length).toBeGreaterThan(1);
      stage.session.end({ kind: 'cancelled' });
      await stage.session.done;
      expect(processesWith(marker)).toEqual([]);
    });

    it(`pauses (${subject.pause})`, async () => {
      const { stage, marker } = await startSleeping(subject);
      expect(await stage.session.pause()).toBe(subject.pause);
      if (subject.pause === 'turn_boundary') {
        expect((await stage.session.done).outcome).toEqual({ kind: 'lost', resumable: true });
        expect(processesWith(marker)).toEqual([]);
        return;
      }
      expect(await stage.session.pause()).toBe('stopped');
      const paused = await Promise.race([stage.session.done, delay(100, 'still paused')]);
      expect(paused).toBe('still paused');
      stage.session.continue();
      stage.session.continue();
      expect(await stage.session.pause()).toBe('stopped');
      stage.session.end({ kind: 'cancelled' });
      expect((await stage.session.done).outcome).toEqual({ kind: 'cancelled' });
      expect(processesWith(marker)).toEqual([]);
    });
  });
}

interface Started {
  context: EngineContext;
  session: EngineSession;
  reports: EngineReport[];
  output(stream: StreamName): Buffer;
  said(stream: StreamName, text: string): Promise<void>;
}

async function startSleeping(subject: EngineSubject): Promise<{ stage: Started; marker: string }> {
  const place = await subject.place();
  const marker = newMarker();
  const scenario = await subject.sleep(place, marker);
  const stage = start(subject, place, scenario);
  await stage.said(scenario.stream, scenario.text);
  return { stage, marker };
}

function start(subject: EngineSubject, place: Place, scenario: Scenario): Started {
  const { context, chunks, reports } = makeContext(place, scenario);
  const session = subject.engine.start(context);
  onTestFinished(async () => {
    session.end({ kind: 'cancelled' });
    await session.done;
  });
  const output = (stream: StreamName): Buffer => Buffer.concat(chunks.get(stream) ?? []);
  return {
    context,
    session,
    reports,
    output,
    said: (stream, text) => eventually(() => output(stream).includes(text), 15_000),
  };
}

/** A run's folders and record, with output and reports kept for looking at. */
export function makeContext(
  place: Place,
  scenario: Scenario,
): { context: EngineContext; chunks: Map<StreamName, Uint8Array[]>; reports: EngineReport[] } {
  const root = scratchFolder();
  const [cwd, tmpDir, homeDir] = ['work', 'tmp', 'home'].map((name) => join(root, name));
  if (cwd === undefined || tmpDir === undefined || homeDir === undefined) throw new Error('No folders.');
  for (const folder of [cwd, tmpDir, homeDir]) mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(cwd, 'README.md'), '# A folder to work in\n');
  const chunks = new Map<StreamName, Uint8Array[]>();
  const reports: EngineReport[] = [];
  const context: EngineContext = {
    run_id: 'run_000000000000000000000',
    spec: { pipeline: 'suite', task_id: 'suite', cwd, inputs: {}, ask: false, depth: 0, ...scenario.spec },
    pipeline: pipelineSchema.parse({ stages: [scenario.stage], ...scenario.pipeline }),
    stage: scenario.stage,
    cwd,
    tmpDir,
    homeDir,
    signInLock: join(root, 'sign-in.lock'),
    env: place.env,
    config: place.config,
    graceMs: 2_000,
    credential: place.credential ?? (() => undefined),
    startProcess: place.startProcess,
    output: {
      write(stream, chunk) {
        const written = chunks.get(stream);
        // An engine may use its buffer again once write() has returned.
        if (written === undefined) chunks.set(stream, [Buffer.from(chunk)]);
        else written.push(Buffer.from(chunk));
      },
      truncated: () => undefined,
    },
    report: (report) => {
      reports.push(report);
    },
    keepsThreads: true,
    ours: [],
    escalationBar: () => undefined,
    resume: undefined,
  };
  return { context, chunks, reports };
}
