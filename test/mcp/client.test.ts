import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connect, type Peer, type Target } from '../../mcp/client.ts';
import { maxMessageBytes } from '../../mcp/json-rpc.ts';
import { serveHttp } from '../../mcp/serve-http.ts';
import { secretVerifier } from '../../mcp/verifier.ts';
import { serveSocket } from '../../mcp/serve-socket.ts';
import { createProbe, noteMethod, probeContracts, type Probe, type ProbeContracts } from './support/probe.ts';
import { temporaryFolder, type TemporaryFolder } from './support/temporary-folder.ts';

const secret = 's3cret';
let folder: TemporaryFolder;
let probe: Probe;
let target: Target;
let service: { close: () => Promise<void> };
let peer: Peer<ProbeContracts>;

beforeEach(async () => {
  folder = await temporaryFolder();
  probe = createProbe();
});
afterEach(async () => {
  await peer.close();
  await service.close();
  await folder.remove();
});

const kinds: [string, () => Promise<void>][] = [
  [
    'a socket',
    async () => {
      const socket = join(folder.path, 's');
      service = await serveSocket(probe.factory, socket);
      target = { socket };
    },
  ],
  [
    'http',
    async () => {
      const http = await serveHttp(probe.factory, {
        port: 0,
        verify: secretVerifier(secret, { owner: 'jane', scope: 'admin' }),
      });
      service = http;
      target = { url: `http://127.0.0.1:${String(http.port)}/mcp`, secret };
    },
  ],
];

describe.each(kinds)('a peer over %s', (kind, serve) => {
  beforeEach(async () => {
    await serve();
    peer = await connect(probeContracts, target, { clientName: 'coordinator' });
  });

  it('knows whom it talks to', () => {
    expect(peer.server).toEqual({
      name: 'probe',
      version: '1.2.3',
      instructions: 'A probe of the server layer.',
    });
  });

  it('gives typed outputs', async () => {
    const { text, next } = await peer.call('echo', { text: 'a', times: 3 });
    expect([text, next]).toEqual(['aaa', 'say it again']);
  });

  it('says under which id and from where it calls', async () => {
    expect(await peer.call('describe_call', {}, { callId: 'c1', cwd: '/w', depth: 2 })).toEqual({
      owner: 'jane',
      client: 'coordinator',
      call_id: 'c1',
      ...(kind !== 'http' && { cwd: '/w' }),
      depth: 2,
    });
    expect(await peer.call('describe_call', {})).toEqual({ owner: 'jane', client: 'coordinator' });
  });

  it('throws what the other side answered', async () => {
    await expect(peer.call('fail', { how: 'fleet' })).rejects.toMatchObject({
      name: 'FleetError',
      code: 'NO_CAPACITY',
      message: 'No slot is free.',
      next: 'Wait.',
      retryable: true,
    });
    await expect(peer.call('fail', { how: 'bug' })).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('has its call aborted on the other side when it aborts, leaves no listener, and goes on', async () => {
    const aborter = new AbortController();
    const hanging = expect(peer.call('hang', {}, { signal: aborter.signal })).rejects.toThrow('enough');
    await probe.hanging(1);
    aborter.abort(new Error('enough'));
    await hanging;
    await probe.aborted(1);
    await expect(peer.call('echo', { text: 'a' }, { signal: aborter.signal })).rejects.toThrow('enough');
    const quiet = new AbortController();
    for (let index = 0; index < 20; index += 1)
      await peer.call('echo', { text: 'a' }, { signal: quiet.signal });
    expect(getEventListeners(quiet.signal, 'abort')).toHaveLength(0);
  });

  it('gives up after its time, and says so to the other side', async () => {
    // Long enough for the call to have come there first.
    const call = peer.call('hang', {}, { timeoutMs: 500 });
    await expect(call).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' });
    await probe.aborted(1);
    expect(await peer.call('echo', { text: 'a' })).toMatchObject({ text: 'a' });
  });

  it('rejects every call at once when the other side goes away, and says it is closed', async () => {
    const calls = [1, 2, 3].map(() => peer.call('hang', {}));
    const rejected = Promise.all(
      calls.map((call) =>
        expect(call).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE', retryable: true }),
      ),
    );
    await probe.hanging(3);
    await service.close();
    await rejected;
    await peer.closed;
    await expect(peer.call('echo', { text: 'a' })).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' });
    await expect(peer.notify(noteMethod, {})).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' });
  });

  it('closes itself, its calls rejected and aborted', async () => {
    const rejected = expect(peer.call('hang', {})).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' });
    await probe.hanging(1);
    await peer.close();
    await rejected;
    await peer.closed;
    await probe.aborted(1);
  });

  it('notifies', async () => {
    await peer.notify(noteMethod, { values: { TOKEN: 't' } });
    expect(await peer.call('await_notes', { count: 1 })).toEqual({ notes: ['{"values":{"TOKEN":"t"}}'] });
  });

  it('refuses to send what is too long, and goes on', async () => {
    const text = 'x'.repeat(maxMessageBytes);
    await expect(peer.call('echo', { text })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await peer.call('echo', { text: 'a' })).toMatchObject({ text: 'a' });
  });

  it('does not take an answer of another shape for its own', async () => {
    const other = {
      ...probeContracts,
      echo: { ...probeContracts.echo, output: z.strictObject({ words: z.int() }) },
    };
    const strict = await connect(other, target);
    await expect(strict.call('echo', { text: 'a' })).rejects.toMatchObject({ code: 'INTERNAL' });
    await strict.close();
  });

  it('mixes up nothing with many calls under way', async () => {
    const texts = Array.from({ length: 300 }, (_, index) => `call ${String(index)}`);
    const replies = await Promise.all(texts.map((text) => peer.call('echo', { text })));
    expect(replies.map(({ text }) => text)).toEqual(texts);
  });
});

describe('connecting', () => {
  beforeEach(async () => {
    const socket = join(folder.path, 's');
    service = await serveSocket(probe.factory, socket);
    peer = await connect(probeContracts, { socket });
  });

  it.each<[string, () => Target, string]>([
    ['no socket', () => ({ socket: join(folder.path, 'none') }), 'WORKER_UNAVAILABLE'],
    ['no server behind the port', () => ({ url: 'http://127.0.0.1:9/mcp', secret }), 'WORKER_UNAVAILABLE'],
  ])('fails for %s', async (_what, where, code) => {
    await expect(connect(probeContracts, where())).rejects.toMatchObject({ code });
  });

  it('fails for a wrong secret', async () => {
    const http = await serveHttp(probe.factory, {
      port: 0,
      verify: secretVerifier(secret, { owner: 'jane', scope: 'admin' }),
    });
    const url = `http://127.0.0.1:${String(http.port)}/mcp`;
    await expect(connect(probeContracts, { url, secret: 'wrong' })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
    await http.close();
  });

  it('fails when nobody answers in time, or the caller gives up', async () => {
    const socket = join(folder.path, 'mute');
    const mute = createServer().listen(socket);
    await once(mute, 'listening');
    const late = connect(probeContracts, { socket }, { timeoutMs: 30 });
    await expect(late).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' });
    const aborter = new AbortController();
    const aborted = expect(connect(probeContracts, { socket }, { signal: aborter.signal })).rejects.toThrow(
      'enough',
    );
    await once(mute, 'connection');
    aborter.abort(new Error('enough'));
    await aborted;
    mute.close();
  });

  it('fails for something that speaks no MCP', async () => {
    const socket = join(folder.path, 'noise');
    const noise = createServer((connection) =>
      connection.on('error', () => undefined).end('HTTP/1.1 400\r\n\r\n'),
    );
    noise.listen(socket);
    await once(noise, 'listening');
    await expect(connect(probeContracts, { socket })).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' });
    noise.close();
  });
});
