import type { EngineReport, StageOutput } from '../engine.ts';
import { CommandOutputs } from './command-output.ts';
import {
  diffUpdated,
  itemNotification,
  outputDelta,
  tokenUsageUpdated,
  type FileUpdate,
  type KnownItem,
} from './protocol.ts';

/** Kept out of the events: they carry payload that has a stream of its own, or say nothing. */
const unrecorded = new Set([
  'item/commandExecution/outputDelta',
  'turn/diff/updated',
  'account/rateLimits/updated',
  'remoteControl/status/changed',
  'thread/status/changed',
]);

/** What a model asks for whose answer goes into its next call. */
const toolItems = new Set([
  'commandExecution',
  'fileChange',
  'mcpToolCall',
  'dynamicToolCall',
  'collabAgentToolCall',
]);

export interface RecorderOptions {
  output: StageOutput;
  outputDir: string;
  report(report: EngineReport): void;
}

/** Turns what Codex says of a turn into the streams and counts of a run. */
export class TurnRecorder {
  readonly #output: StageOutput;
  readonly #report: (report: EngineReport) => void;
  readonly #commands: CommandOutputs;
  readonly #changes = new Map<string, readonly FileUpdate[]>();
  /** The thread's running total as last seen, by thread. */
  readonly #totals = new Map<string, number>();
  #turn: { threadId: string; turnId: string } | undefined;
  /** A tool was asked for since the last model call was counted. */
  #usesTool = false;
  #lastMessage = '';
  #diff = '';

  constructor({ output, outputDir, report }: RecorderOptions) {
    this.#output = output;
    this.#report = report;
    this.#commands = new CommandOutputs(outputDir, output);
  }

  get lastMessage(): string {
    return this.#lastMessage;
  }

  /** The run's own turn has begun; what other threads say comes from sub-agents. */
  follow(threadId: string, turnId: string): void {
    this.#turn = { threadId, turnId };
  }

  changesOf(itemId: string): readonly FileUpdate[] {
    return this.#changes.get(itemId) ?? [];
  }

  event(method: string, params: unknown): void {
    if (!unrecorded.has(method)) this.#write('events', `${JSON.stringify({ method, params })}\n`);
  }

  notification(method: string, params: unknown): void {
    switch (method) {
      case 'item/started':
      case 'item/completed':
        this.#item(method, params);
        return;
      case 'item/commandExecution/outputDelta': {
        const delta = outputDelta.safeParse(params);
        if (delta.success) this.#commands.delta(delta.data.itemId, delta.data.delta);
        return;
      }
      case 'turn/diff/updated': {
        const diff = diffUpdated.safeParse(params);
        if (diff.success) this.#diff = diff.data.diff;
        return;
      }
      case 'thread/tokenUsage/updated':
        this.#usage(params);
        break;
      default:
    }
    this.event(method, params);
  }

  /** Writes what stands only at the end of a turn. */
  finish(): void {
    this.#commands.close();
    if (this.#diff !== '') this.#write('diff', this.#diff);
    if (this.#lastMessage !== '') this.#write('last_message', this.#lastMessage);
  }

  #item(method: string, params: unknown): void {
    const parsed = itemNotification.safeParse(params);
    const known = parsed.success ? parsed.data.known : undefined;
    if (parsed.success && method === 'item/started') this.#usesTool ||= toolItems.has(parsed.data.item.type);
    const isDone = method === 'item/completed';
    if (known?.type === 'commandExecution') {
      this.#commandItem(method, params, known);
      return;
    }
    this.event(method, params);
    if (known?.type === 'fileChange') this.#changes.set(known.id, known.changes);
    const isOwn = parsed.success && parsed.data.threadId === this.#turn?.threadId;
    if (isDone && isOwn && known?.type === 'agentMessage' && known.phase !== 'commentary') {
      this.#lastMessage = known.text;
    }
  }

  /** The collected output is left out of the event: the whole of it is on stdout. */
  #commandItem(
    method: string,
    params: unknown,
    item: Extract<KnownItem, { type: 'commandExecution' }>,
  ): void {
    const collected = item.aggregatedOutput ?? '';
    const told = { ...item, aggregatedOutput: null, outputBytes: Buffer.byteLength(collected) };
    this.event(method, { ...(typeof params === 'object' ? params : {}), item: told });
    if (method === 'item/started') this.#commands.started(item.id);
    else this.#commands.completed(item.id, collected);
  }

  /**
   * Counts one model call by its own tokens. Before its turn begins, a resumed thread repeats the
   * figures of its last one; they were counted when that turn ran.
   */
  #usage(params: unknown): void {
    const parsed = tokenUsageUpdated.safeParse(params);
    if (!parsed.success) return;
    const { threadId, turnId, tokenUsage } = parsed.data;
    const { total, last } = tokenUsage;
    const isRepeated = this.#totals.get(threadId) === total.totalTokens;
    this.#totals.set(threadId, total.totalTokens);
    const turn = this.#turn;
    if (isRepeated || turn === undefined || (threadId === turn.threadId && turnId !== turn.turnId)) return;
    const usage = {
      calls: 1,
      input_tokens: last.inputTokens,
      cached_input_tokens: last.cachedInputTokens,
      output_tokens: last.outputTokens,
      reasoning_tokens: last.reasoningOutputTokens,
    };
    this.#report({ kind: 'usage', usage, goes_on: this.#usesTool });
    this.#usesTool = false;
  }

  #write(stream: 'events' | 'diff' | 'last_message', text: string): void {
    this.#output.write(stream, Buffer.from(text));
  }
}
