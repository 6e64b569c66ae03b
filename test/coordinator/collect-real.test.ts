import Database from 'better-sqlite3';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Peer } from '../../mcp/client.ts';
import { collected } from '../../schemas/operator.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { keptManifest } from '../helpers/manifests.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

/*
 * Runs whose outputs are the same as others' or not, some of them past their time: after gc every
 * handle that is kept reads back whole, and the disk holds nothing else.
 */

let real: RealFleet;

const repeat = 'process.stdout.write(process.argv[1].repeat(Number(process.argv[2])))';

const pour = `setInterval(() => process.stdout.write('x'.repeat(65536)), 20)`;

beforeEach(async () => {
  real = await realFleet({
    output: { task_quota_bytes: 5_000_000 },
    pipelines: {
      pour: {
        read_only: true,
        stages: [{ name: 'pour', engine: 'command', argv: [process.execPath, '-e', pour] }],
      },
      say: {
        read_only: true,
        inputs: { text: { type: 'string', required: true }, times: { type: 'string', required: true } },
        stages: [
          {
            name: 'say',
            engine: 'command',
            argv: [process.execPath, '-e', repeat, '${inputs.text}', '${inputs.times}'],
          },
        ],
      },
    },
  });
});
afterEach(async () => {
  await real.close();
});

const contents = ['a', 'bb', 'ccc', 'dddd'];

function textOf(at: number): { text: string; times: number } {
  return { text: contents[at % contents.length] ?? '', times: at % 3 === 0 ? 3 : 20_000 };
}

async function start(peer: Peer<FleetContracts>, count: number): Promise<RunSnapshot[]> {
  const runs = Array.from({ length: count }, (_, at) => {
    const { text, times } = textOf(at);
    return { label: String(at), inputs: { text, times: String(times) } };
  });
  const cwd = real.fleet.work;
  const { task_id } = await peer.call('start_run', { pipeline: 'say', cwd, runs });
  return pollToEnd(peer, task_id);
}

/** As if they had ended long ago. */
function age(runs: readonly RunSnapshot[]): void {
  const db = new Database(real.paths.database, { timeout: 5_000 });
  const change = db.prepare('UPDATE run SET ended_at = 1000 WHERE run_id = ?');
  for (const run of runs) change.run(run.run_id);
  db.close();
}

async function gc(...args: string[]): Promise<z.infer<typeof collected>> {
  const { code, stdout, stderr } = await real.fleet.cli('gc', '--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return z.object({ collected }).parse(JSON.parse(stdout)).collected;
}

const idsOf = (runs: readonly RunSnapshot[]): string[] =>
  runs.flatMap((run) => (run.handles ?? []).map((handle) => handle.handle_id)).sort();

/** Smaller contents are in the journal. */
const filesOf = (runs: readonly RunSnapshot[]): string[] =>
  runs
    .flatMap((run) => (run.handles ?? []).flatMap((one) => (one.bytes > 4_096 ? [one.handle_id] : [])))
    .sort();

function handlesOnDisk(): string[] {
  const workers = join(real.paths.stateDir, 'workers');
  return readdirSync(workers)
    .flatMap((id) => readdirSync(join(workers, id, 'handles')))
    .filter((name) => name.startsWith('hdl_'))
    .sort();
}

function blobsOnDisk(): string[] {
  const { blobDir } = real.paths;
  return readdirSync(blobDir).flatMap((folder) => readdirSync(join(blobDir, folder)));
}

async function expectKept(peer: Peer<FleetContracts>, kept: readonly RunSnapshot[]): Promise<void> {
  const hashes = new Set<string>();
  for (const run of kept) {
    const { text, times } = textOf(Number(run.label));
    const whole = text.repeat(times);
    for (const { handle_id } of run.handles ?? []) {
      const page = await peer.call('read_handle', { handle_id, mode: 'bytes', count: 100 });
      const sha256 = createHash('sha256').update(whole).digest('hex');
      expect(page).toMatchObject({ text: whole.slice(0, 100), sha256, bytes: whole.length });
      if (whole.length > 4_096) hashes.add(sha256);
    }
  }
  expect(handlesOnDisk()).toEqual(filesOf(kept));
  expect(blobsOnDisk().sort()).toEqual([...hashes].sort());
}

const isKept = (run: RunSnapshot): boolean => keptManifest(real.paths, run.run_id) !== undefined;

describe('codex-fleet gc', () => {
  it('frees what is past its time and nothing else, while the coordinator runs', async () => {
    const peer = await real.up();
    const runs = await start(peer, 24);
    const doomed = runs.filter((_, at) => at % 2 === 0 || at > 15);
    const kept = runs.filter((run) => !doomed.includes(run));
    age(doomed);
    expect(await gc('--dry-run')).toMatchObject({ runs: doomed.length, owed: 0 });
    expect(handlesOnDisk()).toEqual(filesOf(runs));
    expect(await gc()).toMatchObject({
      runs: doomed.length,
      handles: idsOf(doomed).length,
      owed: 0,
      kept: 0,
    });
    await expectKept(peer, kept);
    expect(runs.filter(isKept)).toEqual(kept);
    const [gone] = idsOf(doomed);
    await expect(peer.call('read_handle', { handle_id: gone ?? '' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await gc()).toMatchObject({ runs: 0, freed: { files: 0, bytes: 0 } });
  }, 60_000);

  it('does the same where nothing runs', async () => {
    const runs = await start(await real.up(), 12);
    const doomed = runs.filter((_, at) => at % 3 !== 0);
    const kept = runs.filter((run) => !doomed.includes(run));
    await real.fleet.cli('down');
    age(doomed);
    expect(await gc('--dry-run')).toMatchObject({ runs: doomed.length, owed: 0 });
    expect(handlesOnDisk()).toEqual(filesOf(runs));
    expect(await gc()).toMatchObject({ runs: doomed.length, owed: 0 });
    expect(handlesOnDisk()).toEqual(filesOf(kept));
    expect(runs.filter(isKept)).toEqual(kept);
    await expectKept(await real.up(), kept);
  }, 60_000);
});

describe('a run whose task has stored more than it may', () => {
  it('ends with limit disk, and what it put out stays', async () => {
    const peer = await real.up();
    const { task_id } = await peer.call('start_run', { pipeline: 'pour', cwd: real.fleet.work });
    const [run] = await pollToEnd(peer, task_id);
    expect(run).toMatchObject({ status: 'failed', outcome: 'limit disk' });
    expect(run?.error).toContain('5000000 bytes are allowed (output.task_quota_bytes)');
    const [handle] = run?.handles ?? [];
    expect(handle?.bytes).toBe(5_000_000);
    const page = await peer.call('read_handle', {
      handle_id: handle?.handle_id ?? '',
      mode: 'tail',
      count: 1,
    });
    expect(page).toMatchObject({ sealed: true, bytes: handle?.bytes });
  }, 60_000);
});
