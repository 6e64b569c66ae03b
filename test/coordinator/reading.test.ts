import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Peer } from '../../mcp/client.ts';
import { maxReplyBytes, type FleetContracts } from '../../schemas/tools.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

const script = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'bin', 'print-lines.mjs');
const lines = 20_000;

let real: RealFleet;
let peer: Peer<FleetContracts>;
/** A handle of each worker, and the run it is of. */
const held: { worker: string; handle: string; run: string }[] = [];

// Once for all: none of the tests changes what another one reads.
beforeEach(async () => {
  if (held.length > 0) return;
  const argv = [process.execPath, script, String(lines), '${inputs.name}', '400'];
  real = await realFleet({
    pipelines: {
      print: {
        read_only: true,
        inputs: { name: { type: 'string', required: true } },
        stages: [{ name: 'print', engine: 'command', argv }],
      },
    },
  });
  peer = await real.up();
  const runs = ['one', 'two', 'three', 'four'].map((name) => ({ inputs: { name } }));
  await peer.call('start_run', { pipeline: 'print', cwd: real.fleet.work, task_id: 'print', runs });
  const ended = await pollToEnd(peer, 'print');
  for (const { worker, run_id: run, handles } of ended) {
    const handle = handles?.find(({ stream }) => stream === 'stdout')?.handle_id;
    if (worker !== undefined && handle !== undefined) held.push({ worker, handle, run });
  }
}, 60_000);

afterAll(() => real.close());

/** Handles of two workers. */
function apart(): [(typeof held)[number], (typeof held)[number]] {
  const [first] = held;
  const other = held.find(({ worker }) => worker !== first?.worker);
  if (first === undefined || other === undefined) throw new Error('all runs went to one worker');
  return [first, other];
}

async function bytesOf(handle: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let from = 0; ;) {
    const page = await peer.call('read_handle', {
      handle_id: handle,
      mode: 'bytes',
      from,
      encoding: 'base64',
    });
    parts.push(Buffer.from(page.text, 'base64'));
    from = page.to_byte;
    if (from >= page.bytes) return Buffer.concat(parts);
  }
}

describe('reading by way of the fleet', () => {
  it('searches the output of any worker, in a small reply', async () => {
    for (const { handle, run } of held) {
      const answer = await peer.call('read_handle', {
        handle_id: handle,
        pattern: 'ERROR [a-z]+ broke',
        count: 5,
      });
      expect(answer).toMatchObject({ run_id: run, hits: 5, from_line: 7, to_line: 4007, sealed: true });
      expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(maxReplyBytes);
      const counted = await peer.call('read_handle', { handle_id: handle, pattern: 'ERROR', pick: 'count' });
      expect(counted.hits).toBe(lines / 1000);
    }
  });

  it('counts in every handle of a run, and of no other', async () => {
    const [{ handle, run }] = apart();
    const ask = { handle_id: handle, pattern: 'ERROR', pick: 'per-file' as const };
    const { runs } = await peer.call('poll_run', { run_ids: [run], preview_tokens: 0 });
    const answer = await peer.call('read_handle', ask);
    const rows = answer.text.trimEnd().split('\n');
    expect(rows.map((row) => row.split(' ')[1])).toEqual(runs[0]?.handles?.map(({ handle_id: id }) => id));
    expect(rows).toContain(`${String(lines / 1000)} ${handle} stdout of print`);
    expect(answer).toMatchObject({ run_id: run, hits: lines / 1000, next: 'That is all of it.' });
    await expect(peer.call('read_handle', { ...ask, context: 2 })).rejects.toThrow('per-file');
    await expect(peer.call('read_handle', { ...ask, pattern: '(' })).rejects.toThrow();
  });

  it('compares handles of two workers, and of one', async () => {
    const [a, b] = apart();
    const together = held.find(({ worker, handle }) => worker === a.worker && handle !== a.handle);
    for (const other of [b, together]) {
      const ask = { handle_id: a.handle, other: other?.handle, mode: 'diff' as const, context: 0 };
      let changed = 0;
      let text = '';
      for (let cursor: string | undefined; ;) {
        const answer = await peer.call('read_handle', { ...ask, cursor });
        changed += answer.hits ?? 0;
        text += answer.text;
        cursor = answer.cursor;
        if (cursor === undefined) break;
      }
      expect(changed).toBe(2 * (lines / 100 + lines / 1000));
      expect(text).toContain('@@ -3 +3 @@\n-3: line 3 of ');
    }
  });

  it('exports to the folder of the task, whole, with its hash, piece by piece', async () => {
    const [{ handle, run }] = apart();
    const answer = await peer.call('read_handle', { handle_id: handle, mode: 'export' });
    const file = join(real.fleet.work, '.runs', 'print', 'delegated', run, `${handle}.stdout.txt`);
    expect(answer.path).toBe(file);
    const content = await bytesOf(handle);
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(answer).toMatchObject({
      to_byte: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    let pieces = await peer.call('read_handle', { handle_id: handle, mode: 'export', wait_ms: 0 });
    expect(pieces.cursor).toBeDefined();
    expect(pieces.path).toBeUndefined();
    for (let calls = 0; pieces.cursor !== undefined && calls < 100; calls += 1) {
      pieces = await peer.call('read_handle', {
        handle_id: handle,
        mode: 'export',
        wait_ms: 0,
        cursor: pieces.cursor,
      });
    }
    expect(pieces).toMatchObject({ path: file, sha256: answer.sha256 });
    expect(readdirSync(dirname(file)).filter((name) => name.includes('part'))).toEqual([]);
  });

  it('follows no link a run may have laid where the file goes', async () => {
    const [, { handle, run }] = apart();
    const folder = join(real.fleet.work, '.runs', 'print', 'delegated', run);
    mkdirSync(folder, { recursive: true });
    const outside = join(real.fleet.home, 'precious');
    writeFileSync(outside, 'precious');
    const [part, file] = [join(folder, `.${handle}.stdout.txt.part`), join(folder, `${handle}.stdout.txt`)];
    symlinkSync(outside, part);
    symlinkSync(outside, file);
    await peer.call('read_handle', { handle_id: handle, mode: 'export' });
    expect(lstatSync(file).isFile()).toBe(true);
    linkSync(outside, part);
    await peer.call('read_handle', { handle_id: handle, mode: 'export' });
    expect(readFileSync(outside, 'utf8')).toBe('precious');
    // A folder on the way that is none is refused, not followed.
    const runs = join(real.fleet.work, '.runs');
    renameSync(runs, `${runs}-kept`);
    symlinkSync(real.fleet.home, runs);
    await expect(peer.call('read_handle', { handle_id: handle, mode: 'export' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(existsSync(join(real.fleet.home, 'print'))).toBe(false);
  });

  it('takes no handle for another’s, and none that is no id', async () => {
    const [{ handle }] = apart();
    const unknown = 'hdl_V1StGXR8Z5jdHi6BmyT99';
    for (const input of [
      { handle_id: unknown },
      { handle_id: handle, other: unknown },
      { handle_id: unknown, mode: 'export' as const },
    ]) {
      await expect(peer.call('read_handle', input)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    for (const id of ['../../etc/passwd', 'hdl_../../../../etc/pas', '__proto__']) {
      await expect(peer.call('read_handle', { handle_id: id })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    }
  });

  it('reads what a worker kept after that worker was killed', async () => {
    const [{ handle, worker }] = apart();
    const before = await peer.call('read_handle', { handle_id: handle, pattern: 'ERROR' });
    const killed = real.processes().find(({ name }) => name === worker);
    process.kill(killed?.pid ?? 0, 'SIGKILL');
    // The connection may be found dead only by the call itself.
    await expect
      .poll(() => peer.call('read_handle', { handle_id: handle, pattern: 'ERROR' }).catch(() => undefined), {
        timeout: 15_000,
      })
      .toEqual(before);
    expect(real.processes().find(({ name }) => name === worker)?.pid).not.toBe(killed?.pid);
    const json = await peer.call('read_handle', { handle_id: handle, mode: 'stats' });
    expect(json.text).toContain(`lines: ${lines},`);
    expect(
      await peer.call('read_handle', { handle_id: handle, pattern: 'line 1\\d999', pick: 'last', count: 1 }),
    ).toMatchObject({ from_line: 19_999 });
  });
});
