import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { isRecord } from '../../mcp/json-rpc.ts';
import type { Json } from './fake-coordinator.ts';

export const program = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js');

/** `codex-fleet mcp` as a client sees it: messages in, messages out. */
export class BridgeClient {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly messages: Json[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  #rest = '';
  readonly #waiting = new Set<() => void>();

  constructor(
    stateDir: string,
    options: { cwd?: string; env?: Record<string, string>; program?: string } = {},
  ) {
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: stateDir,
      CODEX_FLEET_STATE_DIR: stateDir,
      ...options.env,
    };
    this.child = spawn(process.execPath, [options.program ?? program, 'mcp'], {
      cwd: options.cwd ?? stateDir,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdin.on('error', () => undefined);
    this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const message: unknown = JSON.parse(line);
      if (isRecord(message)) this.messages.push(message);
    }
    for (const wake of this.#waiting) wake();
  }

  send(message: Json): void {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** The answer to the request of this id, once it is there. */
  async answer(id: string | number): Promise<Json> {
    for (;;) {
      const found = this.messages.find((message) => message['id'] === id && message['method'] === undefined);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  request(id: string | number, method: string, params: Json = {}): Promise<Json> {
    this.send({ id, method, params });
    return this.answer(id);
  }

  /** The structuredContent of a tool's reply; its error where it has none. */
  async call(id: number, name: string, args: Json = {}): Promise<Json> {
    const { result } = await this.request(id, 'tools/call', { name, arguments: args });
    if (!isRecord(result)) throw new Error(`No result of ${name}.`);
    const { structuredContent } = result;
    return isRecord(structuredContent) ? structuredContent : result;
  }

  initialize(protocolVersion = '2025-06-18'): Promise<Json> {
    const answer = this.request('init', 'initialize', {
      protocolVersion,
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    });
    this.send({ method: 'notifications/initialized' });
    return answer;
  }

  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exited;
  }
}
