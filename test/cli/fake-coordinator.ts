import { mkdir } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { isRecord } from '../../mcp/json-rpc.ts';
import { createLineSplitter } from '../../mcp/line-splitter.ts';

export type Json = Record<string, unknown>;

/** A socket that speaks just enough JSON-RPC to stand behind a bridge. Records what it is sent. */
export class FakeCoordinator {
  readonly received: Json[] = [];
  readonly #answer: (message: Json) => Json | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();

  private constructor(answer: (message: Json) => Json | undefined) {
    this.#answer = answer;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** `answer` makes the result of a request; undefined leaves it unanswered. */
  static async listen(path: string, answer: (message: Json) => Json | undefined): Promise<FakeCoordinator> {
    const fake = new FakeCoordinator(answer);
    await mkdir(dirname(path), { recursive: true });
    await new Promise<void>((resolve) => fake.#server.listen(path, resolve));
    return fake;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    const onLine = (line: Buffer): void => this.#take(line);
    socket.on('data', createLineSplitter({ maxBytes: Infinity, onLine, onTooLong: () => undefined }).push);
  }

  #take(line: Buffer): void {
    const message: unknown = JSON.parse(line.toString());
    if (!isRecord(message)) return;
    this.received.push(message);
    for (const wake of this.#waiting) wake();
    const result = message['id'] === undefined ? undefined : this.#answer(message);
    if (result !== undefined) this.send({ jsonrpc: '2.0', id: message['id'], result });
  }

  send(message: Json): void {
    for (const socket of this.#sockets) socket.write(`${JSON.stringify(message)}\n`);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Once it has received `count` messages of this method. */
  async got(method: string, count = 1): Promise<Json[]> {
    for (;;) {
      const found = this.received.filter((message) => message['method'] === method);
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
