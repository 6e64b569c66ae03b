import { spawn, type ChildProcess } from 'node:child_process';
import { program } from './site.ts';

type Json = Record<string, unknown>;

export class ToolError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A client over `codex-fleet mcp` that outlives its bridge: a call its bridge dies under is made again. */
export interface BridgeClient {
  /** Rejects with a ToolError for an error result. */
  call(tool: string, input: Json): Promise<Json>;
  kill(): void;
  close(): Promise<void>;
  /** At once, whatever it is still asked. */
  abandon(): void;
}

interface Waiting {
  message: Json;
  resolve(answer: Json): void;
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

export function bridgeClient(env: Readonly<Record<string, string>>, cwd: string): BridgeClient {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let closed = false;
  let child = start();

  function start(): ChildProcess {
    const bridge = spawn(process.execPath, [program, 'mcp'], { env, cwd, stdio: ['pipe', 'pipe', 'ignore'] });
    let rest = '';
    bridge.stdout.setEncoding('utf8');
    bridge.stdout.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(record(JSON.parse(line)));
    });
    bridge.stdin.on('error', () => undefined);
    bridge.once('close', () => {
      if (closed) return;
      child = start();
    });
    const clientInfo = { name: 'chaos', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    send(bridge, { jsonrpc: '2.0', id: 0, method: 'initialize', params });
    send(bridge, { jsonrpc: '2.0', method: 'notifications/initialized' });
    for (const { message } of waiting.values()) send(bridge, message);
    return bridge;
  }
  function send(bridge: ChildProcess, message: Json): void {
    bridge.stdin?.write(`${JSON.stringify(message)}\n`);
  }
  function take(message: Json): void {
    const id = Number(message['id']);
    waiting.get(id)?.resolve(message);
    waiting.delete(id);
  }

  return {
    async call(name, input) {
      const id = nextId++;
      const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: input } };
      const answer = await new Promise<Json>((resolve) => {
        waiting.set(id, { message, resolve });
        send(child, message);
      });
      const result = record(answer['result']);
      if (answer['error'] === undefined && result['isError'] !== true)
        return record(result['structuredContent']);
      throw toError(answer, result);
    },
    kill() {
      child.kill('SIGKILL');
    },
    abandon() {
      closed = true;
      child.kill('SIGKILL');
    },
    async close() {
      closed = true;
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.stdin?.end();
      await gone;
    },
  };
}

function toError(answer: Json, result: Json): ToolError {
  const [block] = Array.isArray(result['content']) ? result['content'] : [];
  const said = record(block)['text'];
  const text = typeof said === 'string' ? said : JSON.stringify(answer['error']);
  try {
    const { code, message } = record(JSON.parse(text));
    return new ToolError(String(code), String(message));
  } catch {
    return new ToolError('UNKNOWN', text);
  }
}
