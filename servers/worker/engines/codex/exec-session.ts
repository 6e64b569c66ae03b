import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../../../../core/errors.ts';
import { parseJson } from '../../../../core/parse-json.ts';
import type { ProcessEnd, RunningProcess } from '../../runner/process.ts';
import type { EngineContext, EngineEnd, EngineSession, PauseKind } from '../engine.ts';
import { resultCheck } from './check-result.ts';
import { checkExec } from './check-exec.ts';
import { collectedBytes } from './command-output.ts';
import {
  execEvent,
  execTokens,
  failureCode,
  tokensSince,
  type ExecEvent,
  type ExecTokens,
} from './exec-events.ts';
import { HttpLog } from './http-log.ts';
import { JsonLines } from './json-lines.ts';
import { missingMountPoints, removeMountPoints } from './leftovers.ts';
import { prepareStage, processSpec, type Prepared } from './preparation.ts';
import { watchSignIn } from './sign-in.ts';
import { engineEnd, oneLine, processEnd } from './turn-end.ts';

type Cause = Parameters<EngineSession['end']>[0];

/** Results of tools stand inline and have no limit of their own. */
const maxLineBytes = 16 * 1024 * 1024;
const maxStderrTail = 4000;
const missingHere =
  'codex exec: no questions, no messages to a running turn, no diff stream, command output only when a command ends and cut at 1 MiB each, errors without codes, tokens by turn.';

/** One turn by `codex exec --json`. */
export class ExecSession implements EngineSession {
  readonly done: Promise<EngineEnd>;
  readonly #context: EngineContext;
  #process: RunningProcess | undefined;
  #cause: Cause | undefined;
  #lastMessage = '';
  #failed: string | undefined;
  readonly #log = new HttpLog(Date.now);
  #total: ExecTokens | undefined;
  #stderr = '';
  #isOver = false;

  constructor(context: EngineContext) {
    this.#context = context;
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

  steer(): Promise<void> {
    return Promise.reject(new FleetError('WRONG_STATE', 'codex exec takes no message while it runs.'));
  }

  answer(): Promise<void> {
    return Promise.reject(new FleetError('WRONG_STATE', 'This run is not waiting for an answer.'));
  }

  end(cause: Cause): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    void this.#process?.terminate(this.#context.graceMs);
  }

  async #run(): Promise<EngineEnd> {
    const { pipeline, spec, cwd, homeDir } = this.#context;
    checkExec(pipeline, spec);
    const prepared = await prepareStage(this.#context);
    this.#context.report({ kind: 'note', text: missingHere });
    const args = await this.#arguments();
    const missing = await missingMountPoints(cwd);
    if (this.#cause !== undefined) return { outcome: this.#cause };
    const unwatch = watchSignIn(prepared.signIn);
    const end = await this.#follow(prepared, args).finally(unwatch);
    await removeMountPoints(cwd, missing);
    await this.#countTokens(join(homeDir, 'exec-tokens.json'));
    if (this.#lastMessage !== '') this.#context.output.write('last_message', Buffer.from(this.#lastMessage));
    return this.#cause === undefined ? this.#endOf(end) : { outcome: this.#cause };
  }

  async #arguments(): Promise<string[]> {
    const { resume, spec, homeDir, keepsThreads } = this.#context;
    const options = ['--json', '--skip-git-repo-check', ...(keepsThreads ? [] : ['--ephemeral'])];
    if (spec.output_schema !== undefined) {
      const file = join(homeDir, 'output-schema.json');
      await writeFile(file, JSON.stringify(spec.output_schema), { mode: 0o600 });
      options.push('--output-schema', file);
    }
    return resume === undefined
      ? ['exec', ...options, '-']
      : ['exec', 'resume', ...options, resume.thread_id, '-'];
  }

  #prompt(prepared: Prepared): string {
    const { resume } = this.#context;
    return resume === undefined ? prepared.prompt : (resume.message ?? 'Continue where you left off.');
  }

  async #follow(prepared: Prepared, args: readonly string[]): Promise<ProcessEnd> {
    const { output, graceMs } = this.#context;
    const lines = new JsonLines(maxLineBytes, {
      line: (text) => this.#line(text),
      oversized: () => output.truncated('events'),
    });
    this.#process = this.#context.startProcess(processSpec(this.#context, prepared, args, 'pipe'), {
      stdout: (chunk) => lines.push(chunk),
      stderr: (chunk) => {
        const told = this.#log.push(chunk);
        output.write('stderr', told);
        this.#stderr = (this.#stderr + told.toString('utf8')).slice(-maxStderrTail);
      },
    });
    this.#context.report({ kind: 'reaping', reaping: this.#process.reaping });
    // The prompt is no argument: those are bounded, and everybody on the host can read them.
    this.#process.stdin?.on('error', () => undefined);
    this.#process.stdin?.end(this.#prompt(prepared));
    const end = await this.#process.ended;
    lines.end();
    await this.#process.terminate(graceMs);
    return end;
  }

  #line(text: string): void {
    const value = parseJson(text);
    if (value === undefined) return;
    const event = execEvent.safeParse(value);
    const isOutput =
      event.success && event.data.type === 'item.completed' && event.data.known?.type === 'command_execution';
    if (!isOutput) this.#context.output.write('events', Buffer.from(`${text}\n`));
    if (event.success) this.#take(event.data);
  }

  #take(event: ExecEvent): void {
    const { output } = this.#context;
    if (event.type === 'thread.started') {
      if (this.#context.keepsThreads) this.#context.report({ kind: 'thread', thread_id: event.thread_id });
    } else if (event.type === 'turn.completed') {
      this.#total = event.usage;
    } else if (event.type === 'turn.failed') {
      this.#failed = event.error.message;
    } else if (event.type === 'error') {
      this.#refused(event.message);
    } else if (event.known?.type === 'agent_message') {
      this.#lastMessage = event.known.text;
    } else if (event.known?.type === 'command_execution') {
      const { aggregated_output: text, ...told } = event.known;
      const bytes = Buffer.from(text);
      if (bytes.length > 0) output.write('stdout', bytes);
      if (bytes.length >= collectedBytes) output.truncated('stdout');
      const line = { type: event.type, item: { ...told, output_bytes: bytes.length } };
      output.write('events', Buffer.from(`${JSON.stringify(line)}\n`));
    }
  }

  /** At the first refusal by rate: Codex would ask again by itself, five times. */
  #refused(message: string): void {
    if (failureCode(message) !== 'rateLimitExceeded' || this.#failed !== undefined) return;
    this.#failed = message;
    void this.#process?.terminate(this.#context.graceMs);
  }

  /** What the thread had used before is kept beside it, for the run's next attempt. */
  async #countTokens(file: string): Promise<void> {
    if (this.#total === undefined) return;
    const text = await readFile(file, 'utf8').catch(() => '');
    const earlier =
      this.#context.resume === undefined ? undefined : execTokens.safeParse(parseJson(text)).data;
    const tokens = tokensSince(this.#total, earlier);
    await writeFile(file, JSON.stringify(this.#total), { mode: 0o600 });
    const usage = {
      calls: 1,
      input_tokens: tokens.input_tokens,
      cached_input_tokens: tokens.cached_input_tokens,
      output_tokens: tokens.output_tokens,
      reasoning_tokens: tokens.reasoning_output_tokens,
    };
    this.#context.report({ kind: 'usage', usage });
  }

  #endOf(end: ProcessEnd): EngineEnd {
    if (this.#failed !== undefined) {
      const retryAt = this.#log.retryAt;
      const failed = engineEnd(failureCode(this.#failed), oneLine(this.#failed));
      return retryAt === undefined ? failed : { ...failed, retry_at: retryAt };
    }
    if (this.#total === undefined) return processEnd(end, this.#stderr);
    const schema = this.#context.spec.output_schema;
    const fault = schema === undefined ? undefined : resultCheck(schema)(this.#lastMessage);
    return fault === undefined ? { outcome: { kind: 'exit', code: 0 } } : engineEnd('invalid_result', fault);
  }

  #failure(error: unknown): EngineEnd {
    if (this.#cause !== undefined) return { outcome: this.#cause };
    if (error instanceof FleetError) return engineEnd(error.code, `${error.message} ${error.next}`);
    return engineEnd('internal', error instanceof Error ? error.message : String(error));
  }
}
