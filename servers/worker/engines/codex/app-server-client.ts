import type { z } from 'zod';
import { parseJson } from '../../../../core/parse-json.ts';
import { version } from '../../../../platform/version.ts';
import type { ProcessEnd, ProcessSpec, RunningProcess, StartProcess } from '../../runner/process.ts';
import { JsonLines } from './json-lines.ts';
import { initializeResult, message, type RequestId } from './protocol.ts';

/** Longer lines are skipped. Codex caps a command's collected output at 1 MiB; a diff may be larger. */
const maxLineBytes = 16 * 1024 * 1024;

export interface AppServerEvents {
  notification(method: string, params: unknown): void;
  /** A request of the server; answered by respond() or refuse(). */
  request(id: RequestId, method: string, params: unknown): void;
  stderr(chunk: Buffer): void;
  /** A message too long to be kept was skipped. */
  oversized(bytes: number): void;
}

/** `refused`: the server answered with an error; `unreadable`: in another shape than known here. */
export class AppServerError extends Error {
  readonly reason: 'refused' | 'unreadable' | 'ended';

  constructor(reason: AppServerError['reason'], message: string) {
    super(message);
    this.name = 'AppServerError';
    this.reason = reason;
  }
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: AppServerError): void;
}

/** JSON-RPC, a line a message, with one `codex app-server` process over its stdio. */
export class AppServerClient {
  readonly process: RunningProcess;
  readonly ended: Promise<ProcessEnd>;
  readonly #events: AppServerEvents;
  readonly #waiting = new Map<RequestId, Waiting>();
  #nextId = 1;
  #isOver = false;

  constructor(startProcess: StartProcess, spec: ProcessSpec, events: AppServerEvents) {
    this.#events = events;
    const lines = new JsonLines(maxLineBytes, {
      line: (text) => this.#receive(text),
      oversized: (bytes) => events.oversized(bytes),
    });
    this.process = startProcess(spec, {
      stdout: (chunk) => lines.push(chunk),
      stderr: (chunk) => events.stderr(chunk),
    });
    this.process.stdin?.on('error', () => undefined);
    this.ended = this.process.ended.then((end) => {
      lines.end();
      this.#isOver = true;
      for (const waiting of this.#waiting.values())
        waiting.reject(new AppServerError('ended', 'codex app-server ended'));
      this.#waiting.clear();
      return end;
    });
  }

  /** The handshake; answers with the server's user agent. */
  async initialize(): Promise<string> {
    const clientInfo = { name: 'codex_fleet', title: 'codex-fleet', version };
    const capabilities = { experimentalApi: true, requestAttestation: false };
    const { userAgent } = await this.request('initialize', { clientInfo, capabilities }, initializeResult);
    this.#send({ method: 'initialized' });
    return userAgent;
  }

  /** Rejects with AppServerError where the server refuses, ends, or answers in another shape. */
  async request<S extends z.ZodType>(method: string, params: unknown, schema: S): Promise<z.output<S>> {
    const id = this.#nextId;
    this.#nextId += 1;
    const result = await new Promise<unknown>((resolve, reject) => {
      if (this.#isOver) {
        reject(new AppServerError('ended', 'codex app-server ended'));
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      this.#send({ method, id, params });
    });
    const parsed = schema.safeParse(result);
    if (!parsed.success)
      throw new AppServerError('unreadable', `codex app-server answered ${method} in an unknown form`);
    return parsed.data;
  }

  respond(id: RequestId, result: unknown): void {
    this.#send({ id, result });
  }

  refuse(id: RequestId, text: string): void {
    this.#send({ id, error: { code: -32601, message: text } });
  }

  /** Ends the server by closing its stdin, then by force; resolves when nothing of it is left. */
  async close(graceMs: number): Promise<void> {
    this.process.stdin?.end();
    const timer = setTimeout(() => void this.process.terminate(graceMs), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #send(value: unknown): void {
    const stdin = this.process.stdin;
    if (stdin !== undefined && stdin.writable) stdin.write(`${JSON.stringify(value)}\n`);
  }

  #receive(text: string): void {
    const parsed = message.safeParse(parseJson(text));
    if (!parsed.success) return;
    const { id, method, params, result, error } = parsed.data;
    if (method !== undefined && id !== undefined) this.#events.request(id, method, params);
    else if (method !== undefined) this.#events.notification(method, params);
    else if (id !== undefined) this.#settle(id, result, error);
  }

  #settle(id: RequestId, result: unknown, error: { code: number; message: string } | undefined): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new AppServerError('refused', error.message));
  }
}
