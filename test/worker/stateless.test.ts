import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { metaPrefix, statelessVersion } from '../../mcp/discovery.ts';
import { programFile } from '../helpers/fleet.ts';
import { scratchFolder } from '../helpers/scratch.ts';

it('a worker on stdio serves a client that never sends initialize', async () => {
  const folder = scratchFolder();
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, CODEX_FLEET_STATE_DIR: folder };
  const worker = spawn(process.execPath, [programFile, 'worker', '--stdio'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(worker, 'close');
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  const _meta = {
    [`${metaPrefix}protocolVersion`]: statelessVersion,
    [`${metaPrefix}clientCapabilities`]: {},
  };
  const ask = async (id: number, method: string, params: Record<string, unknown> = {}): Promise<unknown> => {
    worker.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } })}\n`);
    return JSON.parse((await lines.next()).value ?? '');
  };
  try {
    expect(await ask(1, 'server/discover')).toMatchObject({
      result: { supportedVersions: [statelessVersion], capabilities: { tools: {} } },
    });
    expect(await ask(2, 'tools/call', { name: 'describe_worker' })).toMatchObject({
      result: { resultType: 'complete', structuredContent: { worker_id: 'by-hand' } },
    });
  } finally {
    worker.stdin.end();
    expect((await ended)[0]).toBe(0);
  }
});
