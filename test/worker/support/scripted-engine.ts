import type { Outcome } from '../../../schemas/run.ts';
import type { AnsweredBy } from '../../../schemas/manifest.ts';
import type { StreamName } from '../../../schemas/handle.ts';
import type { EngineName } from '../../../schemas/pipeline.ts';
import type {
  Engine,
  EngineContext,
  EngineEnd,
  EngineSession,
  PauseKind,
} from '../../../servers/worker/engines/engine.ts';

/** An engine whose stages do what a test says, when it says it. */
export class ScriptedEngine implements Engine {
  readonly name: EngineName;
  readonly pauseKind: PauseKind;
  readonly sessions: ScriptedSession[] = [];
  check: Engine['check'] = () => Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(name: EngineName, pauseKind: PauseKind) {
    this.name = name;
    this.pauseKind = pauseKind;
  }

  probe(): ReturnType<Engine['probe']> {
    return Promise.resolve({ engine: this.name, available: true });
  }

  start(context: EngineContext): EngineSession {
    const session = new ScriptedSession(context, this.pauseKind);
    this.sessions.push(session);
    for (const wake of this.#waiting.splice(0)) wake();
    return session;
  }

  /** The stage that was begun as the `n`th, from 1, as soon as it is. */
  async session(n: number): Promise<ScriptedSession> {
    for (;;) {
      const session = this.sessions[n - 1];
      if (session !== undefined) return session;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

export class ScriptedSession implements EngineSession {
  readonly context: EngineContext;
  readonly done: Promise<EngineEnd>;
  readonly steered: string[] = [];
  readonly answers: string[] = [];
  continued = 0;
  /** What the worker asked for; where `endsAtOnce`, it has become the outcome. */
  cause: Outcome | undefined;
  endsAtOnce = true;
  readonly #pauseKind: PauseKind;
  #settle: (end: EngineEnd) => void = () => undefined;

  constructor(context: EngineContext, pauseKind: PauseKind) {
    this.context = context;
    this.#pauseKind = pauseKind;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  write(stream: StreamName, text: string): void {
    this.context.output.write(stream, Buffer.from(text));
  }

  finish(outcome: Outcome, error?: string): void {
    this.#settle({ outcome, ...(error !== undefined && { error }) });
  }

  pause(): Promise<PauseKind> {
    if (this.#pauseKind === 'turn_boundary') this.finish({ kind: 'lost', resumable: true });
    return Promise.resolve(this.#pauseKind);
  }

  continue(): void {
    this.continued += 1;
  }

  steer(message: string): Promise<void> {
    this.steered.push(message);
    return Promise.resolve();
  }

  answer(answer: 'accept' | 'decline', by: AnsweredBy): Promise<void> {
    this.answers.push(answer);
    const told = answer === 'accept' ? 'accepted' : 'declined';
    this.context.report({ kind: 'decision', asked: 'something', answer: told, by });
    this.context.report({ kind: 'question', question: undefined });
    return Promise.resolve();
  }

  end(cause: Parameters<EngineSession['end']>[0]): void {
    this.cause ??= cause;
    if (this.endsAtOnce) this.finish(cause);
  }
}
