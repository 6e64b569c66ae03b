import { once } from 'node:events';
import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maxMessageBytes } from '../../mcp/json-rpc.ts';
import { serveSocket, type SocketService } from '../../mcp/serve-socket.ts';
import { createProbe, type Probe } from './support/probe.ts';
import { initialize, rawPeer, toolCall, type RawPeer } from './support/raw-socket.ts';
import { temporaryFolder, type TemporaryFolder } from './support/temporary-folder.ts';

let folder: TemporaryFolder;
let path: string;
let probe: Probe;
let service: SocketService;
let peers: RawPeer[];
let counts: number[];

const open = async (): Promise<RawPeer> => {
  const peer = await rawPeer(path);
  peers.push(peer);
  return peer;
};

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 's');
  probe = createProbe();
  counts = [];
  peers = [];
  service = await serveSocket(probe.factory, path, { onConnectionsChange: (count) => counts.push(count) });
});
afterEach(async () => {
  for (const { socket } of peers) socket.destroy();
  await service.close();
  await folder.remove();
});

const answers = async (peer: RawPeer): Promise<unknown> => {
  peer.send(toolCall(7, 'echo', { text: 'still here' }));
  return peer.next();
};
const echoed = { id: 7, result: { structuredContent: { text: 'still here' } } };

describe('the socket', () => {
  it('is open to its user alone', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('replaces what a dead process left', async () => {
    const stale = join(folder.path, 'stale');
    await writeFile(stale, '');
    const second = await serveSocket(probe.factory, stale);
    expect((await stat(stale)).isSocket()).toBe(true);
    await second.close();
  });

  it('is left to a process that listens on it', async () => {
    await expect(serveSocket(probe.factory, path)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await answers(await open())).toMatchObject(echoed);
  });

  it('goes away on close, unless a successor has put its own there', async () => {
    await service.close();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    const first = await serveSocket(probe.factory, path);
    await writeFile(join(folder.path, 'successor'), 'theirs');
    await rename(join(folder.path, 'successor'), path);
    await first.close();
    expect((await stat(path)).isFile()).toBe(true);
  });

  it('closes with clients connected, and twice', async () => {
    const peer = await open();
    await answers(peer);
    await Promise.all([service.close(), service.close()]);
    await peer.closed;
  });

  it('tells how many are connected', async () => {
    const peer = await open();
    await answers(peer);
    const other = await open();
    await answers(other);
    peer.socket.end();
    await peer.closed;
    await answers(other);
    expect(counts).toEqual([1, 2, 1]);
  });
});

describe('a client that goes away', () => {
  it.each([
    ['by closing', (peer: RawPeer) => peer.socket.destroy()],
    ['by ending its side alone', (peer: RawPeer) => peer.socket.end()],
  ])('%s has its calls aborted', async (_how, leave) => {
    const peer = await open();
    peer.send(toolCall(1, 'hang', {}));
    await probe.hanging(1);
    leave(peer);
    await probe.aborted(1);
    expect(await answers(await open())).toMatchObject(echoed);
  });

  it('before its replies are written does no harm', async () => {
    const peer = await open();
    for (let id = 0; id < 200; id += 1) peer.send(toolCall(id, 'echo', { text: 'x'.repeat(1000), times: 8 }));
    peer.socket.once('data', () => peer.socket.destroy());
    await peer.closed;
    expect(await answers(await open())).toMatchObject(echoed);
  });
});

describe('hostile framing', () => {
  it('gets an answer to what is not JSON, and the connection goes on', async () => {
    const peer = await open();
    peer.socket.write('{"jsonrpc": nonsense\n');
    expect(await peer.next()).toMatchObject({ id: null, error: { code: -32_700 } });
    peer.socket.write(Buffer.from([0xff, 0xfe, 0x00, 0x0a]));
    expect(await peer.next()).toMatchObject({ id: null, error: { code: -32_700 } });
    expect(await answers(peer)).toMatchObject(echoed);
  });

  it.each([
    ['a batch', [toolCall(1, 'echo', {})], null],
    ['a scalar', 42, null],
    ['another version', { jsonrpc: '1.0', id: 3, method: 'ping' }, 3],
    ['a null id', { jsonrpc: '2.0', id: null, method: 'ping' }, null],
    ['a fractional id', { jsonrpc: '2.0', id: 1.5, method: 'ping' }, null],
    ['a method that is no string', { jsonrpc: '2.0', id: 4, method: 7 }, 4],
    ['positional params', { jsonrpc: '2.0', id: 5, method: 'ping', params: [1] }, 5],
    ['params without an object in _meta', { jsonrpc: '2.0', id: 6, method: 'ping', params: { _meta: 1 } }, 6],
    ['unknown members', { jsonrpc: '2.0', id: 8, method: 'ping', extra: 1 }, 8],
    ['an answer to nothing', { jsonrpc: '2.0', id: {}, result: {} }, null],
  ])('gets -32600 for %s', async (_what, message, id) => {
    const peer = await open();
    peer.send(message);
    expect(await peer.next()).toMatchObject({ id, error: { code: -32_600 } });
    expect(await answers(peer)).toMatchObject(echoed);
  });

  it('may send blank lines, CRLF, and a message in pieces', async () => {
    const peer = await open();
    peer.socket.write('\n\r\n  \n');
    const line = Buffer.from(`${JSON.stringify(toolCall(1, 'echo', { text: 'é€😀' }))}\r\n`);
    for (const byte of line) peer.socket.write(Buffer.from([byte]));
    expect(await peer.next()).toMatchObject({ id: 1, result: { structuredContent: { text: 'é€😀' } } });
  });

  it('is cut off at a message over the limit, others are not', async () => {
    const other = await open();
    const peer = await open();
    peer.socket.write(Buffer.alloc(10 * 1024 * 1024, 0x61));
    expect(await peer.next()).toMatchObject({ id: null, error: { code: -32_600 } });
    await peer.closed;
    expect(await answers(other)).toMatchObject(echoed);
  });

  it('may use the limit', async () => {
    const peer = await open();
    const call = JSON.stringify(toolCall(1, 'echo', { text: '' }));
    const text = 'x'.repeat(maxMessageBytes - call.length);
    peer.send(toolCall(1, 'echo', { text }));
    expect(await peer.next()).toMatchObject({ id: 1, result: { isError: true } });
  });

  it('loses nothing by reading late', async () => {
    const peer = await open();
    const count = 4_000;
    peer.socket.pause();
    for (let id = 0; id < count; id += 1) {
      peer.send(toolCall(id, 'echo', { text: 'x'.repeat(1000), times: 8 }));
    }
    peer.socket.resume();
    const ids = new Set<number>();
    for (let index = 0; index < count; index += 1) {
      const reply = await peer.next();
      if (typeof reply === 'object' && reply !== null && 'id' in reply) ids.add(Number(reply.id));
    }
    expect(ids.size).toBe(count);
  });

  it('is answered as JSON text where its protocol has no structuredContent', async () => {
    const peer = await open();
    peer.send(initialize('2025-03-26'));
    expect(await peer.next()).toMatchObject({ result: { protocolVersion: '2025-03-26' } });
    peer.send(toolCall(2, 'echo', { text: 'a' }));
    const reply = await peer.next();
    expect(reply).toMatchObject({
      result: { content: [{ type: 'text', text: '{"text":"a","next":"say it again"}' }] },
    });
    expect(reply).not.toHaveProperty('result.structuredContent');
  });

  it('is offered the newest revision for one we do not know', async () => {
    const peer = await open();
    peer.send(initialize('2099-01-01'));
    expect(await peer.next()).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
  });

  it('may leave half a message behind', async () => {
    const peer = await open();
    peer.socket.end('{"jsonrpc":"2.0","id":1,"meth');
    await once(peer.socket, 'close');
    expect(await answers(await open())).toMatchObject(echoed);
  });
});
