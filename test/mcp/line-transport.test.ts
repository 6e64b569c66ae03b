import { PassThrough, type Writable } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { describe, expect, it } from 'vitest';
import { maxMessageBytes } from '../../mcp/json-rpc.ts';
import { createLineTransport } from '../../mcp/line-transport.ts';

function pair(role: 'server' | 'client', writable: Writable = new PassThrough({ highWaterMark: 1024 })) {
  const readable = new PassThrough();
  let releases = 0;
  const release = (): void => {
    releases += 1;
  };
  const transport = createLineTransport({ readable, writable, release }, role);
  const closed = new Promise<void>((resolve) => {
    transport.onclose = resolve;
  });
  return { readable, writable, transport, closed, released: () => releases };
}

const ping = (id: number) => ({ jsonrpc: '2.0' as const, id, method: 'ping' });

function echo(transport: Transport): { count: () => number } {
  let count = 0;
  transport.onmessage = () => {
    count += 1;
    void transport.send({ jsonrpc: '2.0', id: count, result: { text: 'x'.repeat(100) } });
  };
  return { count: () => count };
}

async function feed(readable: PassThrough, messages: number): Promise<void> {
  for (let id = 1; id <= messages; id += 1) {
    readable.write(`${JSON.stringify(ping(id))}\n`);
    if (id % 10 === 0) await new Promise(setImmediate);
  }
}

describe('line transport', () => {
  it('reads no more from a client that leaves its replies unread, and goes on when it does', async () => {
    const writable = new PassThrough({ highWaterMark: 1024 });
    const { readable, transport } = pair('server', writable);
    const handled = echo(transport);
    await transport.start();
    await feed(readable, 1_000);
    expect(readable.isPaused()).toBe(true);
    expect(handled.count()).toBeLessThan(200);
    let lines = 0;
    for await (const chunk of writable) {
      lines += String(chunk).split('\n').length - 1;
      if (lines === 1_000) break;
    }
    expect(handled.count()).toBe(1_000);
  });

  it('always reads what a server sends, or both could wait for each other', async () => {
    const { readable, transport } = pair('client');
    const handled = echo(transport);
    await transport.start();
    await feed(readable, 1_000);
    await new Promise(setImmediate);
    expect(handled.count()).toBe(1_000);
  });

  it('does not pile up answers to garbage for a client that does not read', async () => {
    const writable = new PassThrough({ highWaterMark: 1024 });
    const { readable, transport } = pair('server', writable);
    await transport.start();
    readable.write('garbage\n'.repeat(100_000));
    await new Promise(setImmediate);
    expect(writable.writableLength + writable.readableLength).toBeLessThan(4 * 1024);
  });

  it('does not answer garbage of a server', async () => {
    const { readable, writable, transport } = pair('client');
    const errors: Error[] = [];
    transport.onerror = (error) => errors.push(error);
    await transport.start();
    readable.write('garbage\n{"jsonrpc":"2.0"}\n');
    await new Promise(setImmediate);
    expect(errors).toHaveLength(2);
    expect(writable.writableLength).toBe(0);
  });

  it.each([
    ['its input ends', ({ readable }: ReturnType<typeof pair>) => readable.end()],
    [
      'its input breaks',
      ({ readable }: ReturnType<typeof pair>) => readable.destroy(new Error('ECONNRESET')),
    ],
    ['its output breaks', ({ writable }: ReturnType<typeof pair>) => writable.destroy(new Error('EPIPE'))],
    ['it is closed', ({ transport }: ReturnType<typeof pair>) => transport.close()],
  ])('closes once when %s', async (_why, act) => {
    const made = pair('server');
    await made.transport.start();
    await act(made);
    await made.closed;
    await made.transport.close();
    expect(made.released()).toBe(1);
    await expect(made.transport.send(ping(1))).rejects.toThrow('Not connected');
    await expect(made.transport.start()).rejects.toThrow('starts once');
  });

  it('closes with the end of its input, though the stream itself stays open', async () => {
    const readable = new PassThrough({ autoDestroy: false });
    const writable = new PassThrough();
    const transport = createLineTransport({ readable, writable, release: () => undefined }, 'server');
    const closed = new Promise<void>((resolve) => {
      transport.onclose = resolve;
    });
    await transport.start();
    readable.end();
    await closed;
  });

  it('survives errors that come after its end', async () => {
    const { readable, writable, transport, closed } = pair('server');
    await transport.start();
    await transport.close();
    await closed;
    // events.once() would take the error for its own.
    const broken = [readable, writable].map(
      (stream) => new Promise((resolve) => stream.once('close', resolve)),
    );
    readable.destroy(new Error('late'));
    writable.destroy(new Error('late'));
    await Promise.all(broken);
  });

  it('refuses to send what the other side would end the connection for', async () => {
    const { transport } = pair('client');
    await transport.start();
    const params = { text: '€'.repeat(maxMessageBytes / 3) };
    const sent = transport.send({ jsonrpc: '2.0', id: 1, method: 'x', params });
    await expect(sent).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await transport.send({
      jsonrpc: '2.0',
      id: 2,
      method: 'x',
      params: { text: 'x'.repeat(maxMessageBytes - 100) },
    });
  });
});
