import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { shakeHands } from '../../mcp/client.ts';
import { createLogger } from '../../platform/log.ts';
import { createProbe, probeContracts, secretOfBug } from './support/probe.ts';

async function openProbe(lines: string[]) {
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(line) });
  const { factory } = createProbe(log);
  const [near, far] = InMemoryTransport.createLinkedPair();
  await factory().connect(far);
  return shakeHands(probeContracts, near);
}

describe('the log', () => {
  it('has the stack of a bug, under the reference the caller got', async () => {
    const lines: string[] = [];
    const peer = await openProbe(lines);
    const error = await peer.call('fail', { how: 'bug' }).catch((thrown: unknown) => thrown);
    const reference = /reference ([0-9a-f]+)/.exec(String(error))?.[1];
    const logged = lines.find((line) => reference !== undefined && line.includes(reference));
    expect(logged).toContain(secretOfBug);
    expect(logged).toContain('probe.ts');
    await peer.close();
  });

  it('has nothing of errors a caller can act on', async () => {
    const lines: string[] = [];
    const peer = await openProbe(lines);
    await peer.call('fail', { how: 'fleet' }).catch(() => undefined);
    expect(lines).toEqual([]);
    await peer.close();
  });

  it('never has the content of a message the protocol refused', async () => {
    const lines: string[] = [];
    const { factory } = createProbe(pino({ level: 'debug' }, { write: (line) => lines.push(line) }));
    const [near, far] = InMemoryTransport.createLinkedPair();
    await factory().connect(far);
    await near.start();
    const values = { TOKEN: 'tok-123' };
    await near.send({ jsonrpc: '2.0', id: 99, result: { values } });
    expect(lines.join('')).toContain('unknown message ID');
    expect(lines.join('')).not.toContain('tok-123');
    await near.close();
  });
});

it('makes servers cheaply', () => {
  const { factory } = createProbe(createLogger({ name: 'probe', level: 'silent' }));
  factory();
  const before = process.cpuUsage();
  for (let index = 0; index < 200; index += 1) factory();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 200).toBeLessThan(2_000);
});
