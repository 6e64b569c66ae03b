import { z } from 'zod';
import type { Decision } from '../../../../schemas/manifest.ts';
import type { Question } from '../../../../schemas/run.ts';
import type { EngineContext } from '../engine.ts';
import type { AppServerClient } from './app-server-client.ts';
import { judgeCommand, judgeFileChange, type ApprovalPolicy, type Verdict } from './approvals.ts';
import { mayEscalate } from './preparation.ts';
import { commandApproval, fileChangeApproval, type FileUpdate, type RequestId } from './protocol.ts';
import { Questions, type Answered } from './questions.ts';

export interface ServerRequest {
  id: RequestId;
  method: string;
  params: unknown;
  client: Pick<AppServerClient, 'respond' | 'refuse'>;
  changesOf(itemId: string): readonly FileUpdate[];
}

const resolved = z.looseObject({ requestId: z.union([z.string(), z.number()]) });

/** Answers what Codex asks: by the pipeline's policy, else by the parent where the run may ask. */
export class ApprovalDesk {
  readonly #context: EngineContext;
  readonly #questions: Questions;
  readonly #policy: ApprovalPolicy;

  constructor(context: EngineContext) {
    this.#context = context;
    this.#questions = new Questions((question) => context.report({ kind: 'question', question }));
    this.#policy = {
      commands: context.pipeline.commands,
      allowed: context.config.commands,
      cwd: context.cwd,
      path: context.env['PATH'] ?? '',
      confined: false,
      isShut: !mayEscalate(context),
      questions: context.config.questions.policy,
    };
  }

  /** From now on all that Codex runs stays in a sandbox that was seen to hold. */
  confine(): void {
    this.#policy.confined = true;
  }

  answer(answered: Answered): void {
    this.#questions.answer(answered);
  }

  notification(method: string, params: unknown): void {
    if (method !== 'serverRequest/resolved') return;
    const parsed = resolved.safeParse(params);
    if (parsed.success) this.#questions.lapse(parsed.data.requestId);
  }

  async decide(request: ServerRequest): Promise<void> {
    const { id, method, client } = request;
    const verdict = await this.#verdict(request);
    if (verdict !== undefined) {
      const accept = await this.#settle(id, verdict);
      if (accept !== undefined) client.respond(id, { decision: accept ? 'accept' : 'decline' });
      return;
    }
    const refusal = refusals[method];
    if (refusal === undefined) {
      client.refuse(id, `${method} is not served`);
      return;
    }
    const question = { kind: 'question', text: refusal.asked, ...refusal.more } as const;
    this.#record(question, false, 'policy', 'Permissions are given to one command, not to a turn.');
    client.respond(id, refusal.result);
  }

  async #verdict({ method, params, changesOf }: ServerRequest): Promise<Verdict | undefined> {
    if (method === 'item/commandExecution/requestApproval') {
      const asked = commandApproval.safeParse(params);
      return asked.success ? judgeCommand(this.#policy, asked.data) : unreadable;
    }
    if (method === 'item/fileChange/requestApproval') {
      const asked = fileChangeApproval.safeParse(params);
      return asked.success
        ? judgeFileChange(this.#policy, asked.data, changesOf(asked.data.itemId))
        : unreadable;
    }
    return undefined;
  }

  /** undefined where the question lapsed and nobody waits for the answer. It is recorded before it is given. */
  async #settle(id: RequestId, { accept, question }: Verdict): Promise<boolean | undefined> {
    const refused = accept ? undefined : this.#refusal();
    if (refused !== undefined) return this.#record(question, false, 'policy', refused);
    const bar = question.escalation === undefined ? undefined : this.#bar();
    if (bar !== undefined) return this.#record(question, false, 'rule', bar);
    if (accept) return this.#record(question, true, 'policy');
    if (question.escalation !== undefined) this.#report(question, 'asked', 'nobody');
    const answered = await this.#questions.ask(id, question);
    if (answered !== undefined) return this.#record(question, answered.answer === 'accept', answered.by);
    if (question.escalation !== undefined) this.#record(question, false, 'engine', 'Codex took it back.');
    return undefined;
  }

  /** Why nobody is asked. */
  #refusal(): string | undefined {
    if (!this.#context.spec.ask) return 'The run was started without "ask".';
    return this.#policy.questions === 'decline' ? '"questions.policy" is "decline".' : undefined;
  }

  /** Why nobody may grant the run more than it was started with. */
  #bar(): string | undefined {
    if (this.#policy.commands === 'allow-list')
      return 'Under "commands": "allow-list" nothing leaves the sandbox.';
    return this.#context.escalationBar();
  }

  #record(question: Question, accepted: boolean, by: Decision['by'], why?: string): boolean {
    this.#report(question, accepted ? 'accepted' : 'declined', by, why);
    return accepted;
  }

  #report(
    { text, escalation }: Question,
    answer: Decision['answer'],
    by: Decision['by'],
    why?: string,
  ): void {
    const more = escalation === undefined ? {} : { escalation, ...(why !== undefined && { why }) };
    this.#context.report({ kind: 'decision', asked: text, answer, by, ...more });
  }
}

const unreadable: Verdict = {
  accept: false,
  question: { kind: 'question', text: 'A request of Codex in an unknown form', escalation: 'permissions' },
};

/** Requests no answer of a run can serve, and how each is declined. */
const refusals: Readonly<
  Record<string, { asked: string; more?: Pick<Question, 'escalation'>; result: unknown }>
> = {
  'item/permissions/requestApproval': {
    asked: 'more permissions for the rest of the turn',
    more: { escalation: 'permissions' },
    result: { permissions: {}, scope: 'turn' },
  },
  'item/tool/requestUserInput': { asked: 'an answer in words from a person', result: { answers: {} } },
  'mcpServer/elicitation/request': {
    asked: 'input for an MCP server',
    result: { action: 'decline', content: null },
  },
};
