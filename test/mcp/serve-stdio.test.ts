import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { initialize, toolCall } from './support/raw-socket.ts';

const args = ['--import', 'tsx', join(import.meta.dirname, 'support', 'probe-main.ts')];
let child: ChildProcess | undefined;

function start() {
  const started = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child = started;
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
  const errors: string[] = [];
  started.stderr.on('data', (chunk) => errors.push(String(chunk)));
  const send = (message: unknown): void => {
    started.stdin.write(`${JSON.stringify(message)}\n`);
  };
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('The server ended.');
    return JSON.parse(value);
  };
  return { started, send, next, errors, exited: once(started, 'exit') };
}

afterEach(() => {
  child?.kill('SIGKILL');
});

describe('a server on stdio', () => {
  it('ends with its stdin, though a call hangs and a timer runs', async () => {
    const { started, send, next, exited, errors } = start();
    send(initialize('2025-06-18'));
    expect(await next()).toMatchObject({ id: 1, result: { serverInfo: { name: 'probe' } } });
    send(toolCall(2, 'hang', {}));
    send(toolCall(3, 'await_hanging', { count: 1 }));
    expect(await next()).toMatchObject({ id: 3 });
    started.stdin.end();
    expect(await exited).toEqual([0, null]);
    expect(errors).toEqual([]);
  });

  it('ends, and does not crash, when nobody reads its stdout any more', async () => {
    const { started, send, next, exited, errors } = start();
    send(initialize('2025-06-18'));
    await next();
    started.stdin.on('error', () => undefined);
    started.stdout.destroy();
    send(toolCall(2, 'echo', { text: 'a' }));
    expect(await exited).toEqual([0, null]);
    expect(errors).toEqual([]);
  });

  it('writes nothing to stdout but messages', async () => {
    const { started, send, next, exited } = start();
    started.stdin.write('garbage\n');
    expect(await next()).toMatchObject({ error: { code: -32_700 } });
    send(toolCall(2, 'fail', { how: 'bug' }));
    expect(await next()).toMatchObject({ id: 2, result: { isError: true } });
    started.stdin.end();
    await exited;
  });
});
