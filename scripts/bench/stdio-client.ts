import { spawn } from 'node:child_process';

type Json = Record<string, unknown>;

export interface StdioClient {
  pid: number;
  /** Calls a tool; its structuredContent. Rejects with the text of an error result. */
  call(tool: string, input: Json): Promise<Json>;
  close(): Promise<void>;
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The least client that can speak MCP over stdio, so that what is measured is the server. */
export async function stdioClient(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<StdioClient> {
  const child = spawn(file, args, { env, cwd: '/', stdio: ['pipe', 'pipe', 'ignore'] });
  const waiting = new Map<number, (message: Json) => void>();
  let rest = '';
  let nextId = 0;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = record(JSON.parse(line));
      const id = Number(message['id']);
      waiting.get(id)?.(message);
      waiting.delete(id);
    }
  });
  const request = (method: string, params: Json): Promise<Json> =>
    new Promise((resolve) => {
      nextId += 1;
      waiting.set(nextId, resolve);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: nextId, method, params })}\n`);
    });
  const clientInfo = { name: 'bench', version: '1' };
  await request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  return {
    pid: child.pid ?? 0,
    call: async (name, input) => {
      const answer = await request('tools/call', { name, arguments: input });
      const result = record(answer['result']);
      if (answer['error'] !== undefined || result['isError'] === true)
        throw new Error(JSON.stringify(answer));
      return record(result['structuredContent']);
    },
    close: () =>
      new Promise((resolve) => {
        child.once('close', () => {
          resolve();
        });
        child.stdin.end();
      }),
  };
}
