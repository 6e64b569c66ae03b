import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { FleetError } from '../../../../core/errors.ts';
import type { AnsweredBy } from '../../../../schemas/manifest.ts';
import type { Reaping } from '../../../../schemas/worker.ts';
import type { EngineContext, EngineEnd, EngineSession, PauseKind } from '../engine.ts';
import { AppServerClient, AppServerError } from './app-server-client.ts';
import { ApprovalDesk } from './approval-desk.ts';
import { resultCheck } from './check-result.ts';
import { LimitWatch } from './limit-watch.ts';
import { missingMountPoints, removeMountPoints } from './leftovers.ts';
import { prepareStage, processSpec, type Prepared } from './preparation.ts';
import { steerResult, threadResult, turnNotification, turnResult, type Turn } from './protocol.ts';
import { watchSignIn } from './sign-in.ts';
import { engineEnd, processEnd, turnFailure, type EngineOutcome } from './turn-end.ts';
import { TurnRecorder } from './turn-recorder.ts';
import { compareVersions, testedVersion } from './version.ts';

type Cause = Parameters<EngineSession['end']>[0];

/** An interrupt is answered in about 20 ms; after this the process is ended without it. */
const interruptMs = 400;
const continuePrompt = 'Continue where you left off.';
const maxStderrTail = 4000;

/** One turn of Codex in an app-server process of its own. */
export class CodexSession implements EngineSession {
  readonly done: Promise<EngineEnd>;
  readonly #context: EngineContext;
  readonly #desk: ApprovalDesk;
  readonly #limits = new LimitWatch(Date.now);
  #client: AppServerClient | undefined;
  #threadId: string | undefined;
  #turn: { threadId: string; turnId: string } | undefined;
  /** Why we ended it; undefined as long as only Codex itself can be the cause. */
  #cause: Cause | undefined;
  #completed: ((turn: Turn) => void) | undefined;
  #stderr = '';
  #isOver = false;

  constructor(context: EngineContext) {
    this.#context = context;
    this.#desk = new ApprovalDesk(context);
    this.done = this.#run()
      .catch((error: unknown) => this.#failure(error))
      .finally(() => (this.#isOver = true));
  }

  async pause(): Promise<PauseKind> {
    if (this.#isOver) throw new FleetError('WRONG_STATE', 'This run has ended.');
    this.end({ kind: 'lost', resumable: true });
    await this.done;
    return 'turn_boundary';
  }

  continue(): void {
    // A pause ends the session: there is nothing halted to go on.
  }

  async steer(message: string): Promise<void> {
    const turn = this.#turn;
    if (turn === undefined || this.#client === undefined || this.#cause !== undefined || this.#isOver) {
      throw new FleetError('WRONG_STATE', 'Codex is not in the middle of a turn.');
    }
    const params = { threadId: turn.threadId, expectedTurnId: turn.turnId, input: textInput(message) };
    await this.#client.request('turn/steer', params, steerResult).catch((error: unknown) => {
      throw new FleetError('WRONG_STATE', 'Codex takes no message at this point of its turn.', {
        cause: error,
      });
    });
  }

  answer(answer: 'accept' | 'decline', by: AnsweredBy): Promise<void> {
    return new Promise((resolve) => {
      this.#desk.answer({ answer, by });
      resolve();
    });
  }

  end(cause: Cause): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    if (this.#client !== undefined) void this.#stop(this.#client);
  }

  async #stop(client: AppServerClient): Promise<void> {
    await Promise.race([this.#interrupt(client), delay(interruptMs)]);
    client.process.stdin?.end();
    await client.process.terminate(this.#context.graceMs);
  }

  /** Its turn ends, as interrupted; one that is over already is no mistake. */
  async #interrupt(client: AppServerClient): Promise<void> {
    if (this.#turn === undefined) return;
    await client.request('turn/interrupt', this.#turn, z.unknown()).catch(() => undefined);
  }

  #takeStderr(chunk: Buffer): void {
    this.#context.output.write('stderr', chunk);
    this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-maxStderrTail);
  }

  async #run(): Promise<EngineEnd> {
    const prepared = await prepareStage(this.#context);
    if (prepared.sandboxed) this.#desk.confine();
    const missing = await missingMountPoints(this.#context.cwd);
    if (this.#cause !== undefined) return { outcome: this.#cause };
    const recorder = new TurnRecorder({
      output: this.#context.output,
      outputDir: prepared.home.outputDir,
      report: (report) => this.#context.report(report),
    });
    const client = this.#startClient(prepared, recorder);
    void client.ended.then(watchSignIn(prepared.signIn));
    try {
      const turn = await this.#takeTurn(client, prepared);
      await client.close(this.#context.graceMs);
      return this.#endOf(turn, recorder.lastMessage);
    } catch (error) {
      if (!(error instanceof AppServerError) || error.reason !== 'ended') throw error;
      await client.process.terminate(this.#context.graceMs);
      return this.#cause === undefined
        ? processEnd(await client.ended, this.#stderr)
        : { outcome: this.#cause };
    } finally {
      await client.process.terminate(this.#context.graceMs);
      this.#takeStderr(this.#limits.stderrEnd());
      recorder.finish();
      await removeMountPoints(this.#context.cwd, missing);
    }
  }

  #startClient(prepared: Prepared, recorder: TurnRecorder): AppServerClient {
    const context = this.#context;
    const spec = processSpec(this.#context, prepared, ['app-server'], 'pipe');
    const client = new AppServerClient(context.startProcess, spec, {
      notification: (method, params) => {
        this.#notice(method, params, recorder);
        if (this.#limits.notification(method, params, this.#threadId)) void this.#interrupt(client);
        recorder.notification(method, params);
        this.#desk.notification(method, params);
      },
      request: (id, method, params) => {
        recorder.event(method, params);
        void this.#desk.decide({ id, method, params, client, changesOf: (item) => recorder.changesOf(item) });
      },
      stderr: (chunk) => {
        this.#takeStderr(this.#limits.stderr(chunk));
      },
      oversized: (bytes) => {
        context.output.truncated('events');
        context.report({
          kind: 'note',
          text: `A message of ${String(bytes)} bytes from Codex was too long to be kept.`,
        });
      },
    });
    this.#client = client;
    context.report({ kind: 'reaping', reaping: client.process.reaping });
    return client;
  }

  /**
   * Keeps step with the turn by its notifications: they are read in the order they were written,
   * while the reply to turn/start is only acted on once everything read along with it has been.
   */
  #notice(method: string, params: unknown, recorder: TurnRecorder): void {
    if (method !== 'turn/started' && method !== 'turn/completed') return;
    const parsed = turnNotification.safeParse(params);
    if (!parsed.success || parsed.data.threadId !== this.#threadId) return;
    const { threadId, turn } = parsed.data;
    if (method === 'turn/started') {
      this.#turn = { threadId, turnId: turn.id };
      recorder.follow(threadId, turn.id);
    } else if (turn.id === this.#turn?.turnId) {
      this.#completed?.(turn);
    }
  }

  /** Settles with the turn's end; rejects with AppServerError where the process is gone first. */
  async #takeTurn(client: AppServerClient, prepared: Prepared): Promise<Turn> {
    await client.initialize();
    const { threadId, isResumed } = await this.#openThread(client, prepared);
    this.#threadId = threadId;
    if (this.#context.keepsThreads) this.#context.report({ kind: 'thread', thread_id: threadId });
    const completed = new Promise<Turn>((resolve) => (this.#completed = resolve));
    const { resume, spec } = this.#context;
    const prompt = isResumed
      ? (resume?.message ?? continuePrompt)
      : firstPrompt(prepared.prompt, resume?.message);
    const params = {
      threadId,
      input: textInput(prompt),
      ...(spec.output_schema !== undefined && { outputSchema: spec.output_schema }),
    };
    await client.request('turn/start', params, turnResult);
    const ended = client.ended.then(() => {
      throw new AppServerError('ended', 'codex app-server ended');
    });
    return Promise.race([completed, ended]);
  }

  async #openThread(
    client: AppServerClient,
    prepared: Prepared,
  ): Promise<{ threadId: string; isResumed: boolean }> {
    const { cwd, pipeline, resume } = this.#context;
    const params = {
      cwd,
      approvalPolicy: pipeline.commands === 'allow-list' ? 'untrusted' : 'on-request',
      ...(!prepared.sandboxed && { sandbox: 'danger-full-access' }),
    };
    const { version } = prepared.install;
    if (compareVersions(version, testedVersion) > 0) {
      this.#note(`Codex ${version} is newer than ${testedVersion}, the version codex-fleet is tested with.`);
    }
    this.#note(sandboxWords(prepared.sandboxed, client.process.reaping));
    if (resume !== undefined) {
      try {
        const again = { ...params, threadId: resume.thread_id, excludeTurns: true };
        const { thread } = await client.request('thread/resume', again, threadResult);
        return { threadId: thread.id, isResumed: true };
      } catch (error) {
        if (!(error instanceof AppServerError) || !error.message.includes('no rollout found')) throw error;
        this.#note('Codex had not kept the thread yet: the run began again.');
      }
    }
    const { thread } = await client.request(
      'thread/start',
      { ...params, ephemeral: !this.#context.keepsThreads },
      threadResult,
    );
    return { threadId: thread.id, isResumed: false };
  }

  #note(text: string): void {
    this.#context.report({ kind: 'note', text });
  }

  #endOf(turn: Turn, lastMessage: string): EngineEnd {
    if (this.#cause !== undefined) return { outcome: this.#cause };
    if (turn.status === 'failed') return this.#failed(turnFailure(turn.error));
    const { refusal } = this.#limits;
    if (turn.status === 'interrupted' && refusal !== undefined) {
      return this.#failed({ kind: 'engine', code: 'rateLimitExceeded', message: refusal });
    }
    if (turn.status !== 'completed')
      return engineEnd(turn.status, 'Codex stopped its turn without being asked to.');
    const schema = this.#context.spec.output_schema;
    const fault = schema === undefined ? undefined : resultCheck(schema)(lastMessage);
    return fault === undefined ? { outcome: { kind: 'exit', code: 0 } } : engineEnd('invalid_result', fault);
  }

  #failed(outcome: EngineOutcome): EngineEnd {
    const retryAt = this.#limits.retryAt(outcome);
    return { outcome, error: outcome.message, ...(retryAt !== undefined && { retry_at: retryAt }) };
  }

  #failure(error: unknown): EngineEnd {
    if (this.#cause !== undefined) return { outcome: this.#cause };
    if (error instanceof FleetError) return engineEnd(error.code, `${error.message} ${error.next}`);
    if (error instanceof AppServerError) return engineEnd(`app_server_${error.reason}`, error.message);
    return engineEnd('internal', error instanceof Error ? error.message : String(error));
  }
}

/** What was proven to start and to hold when the worker started is what runs are given. */
function sandboxWords(sandboxed: boolean, reaping: Reaping): string {
  if (!sandboxed) return 'Commands ran without a sandbox: Codex cannot start one on this host.';
  const around =
    reaping === 'pid_namespace' ? 'inside a namespace of processes of ours' : 'and nothing around it';
  return `Commands ran in Codex's own sandbox, ${around}, as it was proven to hold.`;
}

function textInput(text: string): { type: 'text'; text: string; text_elements: [] }[] {
  return [{ type: 'text', text, text_elements: [] }];
}

/** A thread that has to begin again is told what it was told the first time, and what came since. */
function firstPrompt(prompt: string, message: string | undefined): string {
  return message === undefined ? prompt : `${prompt}\n\n${message}`;
}
