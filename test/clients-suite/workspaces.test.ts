import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect, type Peer } from '../../mcp/client.ts';
import { fleetPaths } from '../../platform/paths.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { createCodexFleet, type CodexFleet } from '../helpers/codex-user.ts';
import { git, makeRepository, treeDigest } from '../helpers/repository.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { script } from '../scripted-model/script.ts';

const count = 16;

let fleet: CodexFleet;
let peer: Peer<FleetContracts>;
let repo: string;

beforeEach(async () => {
  // Manifests would be exported into the tree.
  fleet = await createCodexFleet({ workers: { count: 2, slots: 4 }, runs_dir: 'off' });
  repo = makeRepository(fleet.work, { 'shared.txt': 'first\nlast\n' });
  const { code, stderr } = await fleet.cli('up');
  expect(code, stderr).toBe(0);
  peer = await connect(fleetContracts, { socket: fleetPaths(fleet.env).coordinatorSocket });
  const states = async () => (await peer.call('list_workers', {})).workers.map(({ state }) => state);
  await expect.poll(states, { timeout: 15_000 }).toEqual(['up', 'up']);
});
afterEach(async () => {
  await peer.close();
  await fleet.close();
});

/** Adds a file of its own, and puts a line of its own between the two of a file all runs change. */
function patchOf(at: number): string {
  const lines = ['*** Begin Patch', `*** Add File: own-${String(at)}.txt`, `+run ${String(at)}`];
  return [
    ...lines,
    '*** Update File: shared.txt',
    '@@',
    ' first',
    `+run ${String(at)}`,
    '*** End Patch',
  ].join('\n');
}

async function startAll(more: Record<string, unknown> = {}): Promise<string[]> {
  const runs = Array.from({ length: count }, (_, at) => ({
    label: String(at),
    prompt: script({ patch: patchOf(at), delay_ms: 300 }, { say: 'done', delay_ms: 300 }),
  }));
  const started = await peer.call('start_run', { task_id: 'many', cwd: repo, runs, ...more });
  return started.runs.map((run) => run.run_id);
}

/** The last state of every run of a task once all have ended, and what any of them waited for on the way. */
async function follow(): Promise<{ runs: RunSnapshot[]; waitedFor: Set<string> }> {
  const seen = new Map<string, RunSnapshot>();
  const waitedFor = new Set<string>();
  for (let cursor = '0'; ;) {
    const reply = await peer.call('poll_run', { task_id: 'many', cursor, wait_ms: 5_000, preview_tokens: 0 });
    for (const run of reply.runs) {
      seen.set(run.run_id, run);
      if (run.waiting_for !== undefined) waitedFor.add(run.waiting_for);
    }
    cursor = reply.cursor;
    if (reply.open === 0 && !reply.more) return { runs: [...seen.values()], waitedFor };
  }
}

async function diffOf(run: RunSnapshot): Promise<string> {
  const [diff, ...others] = run.handles?.filter(({ stream }) => stream === 'diff') ?? [];
  expect(others).toEqual([]);
  const page = await peer.call('read_handle', {
    handle_id: diff?.handle_id ?? '',
    mode: 'head',
    count: 1_000,
  });
  expect(page).toMatchObject({ sealed: true, truncated: false, to_byte: page.bytes });
  return page.text;
}

function copiesLeft(): string[] {
  const workers = join(fleet.stateDir, 'workers');
  return readdirSync(workers).flatMap((worker) => {
    const runs = join(workers, worker, 'runs');
    const ids = existsSync(runs) ? readdirSync(runs) : [];
    return ids.map((id) => join(runs, id, 'workspace')).filter((copy) => existsSync(copy));
  });
}

describe('16 Codex runs on one repository at once', { timeout: 180_000 }, () => {
  test('each in a private copy: 16 clean diffs, and the tree as it was', async () => {
    const before = treeDigest(repo);
    const pristine = join(scratchFolder(), 'pristine');
    cpSync(repo, pristine, { recursive: true, preserveTimestamps: true });
    await startAll();
    const { runs } = await follow();
    expect(runs.map((run) => [run.status, run.outcome])).toEqual(runs.map(() => ['completed', 'exit 0']));
    expect(runs).toHaveLength(count);
    expect(treeDigest(repo)).toBe(before);
    // They did work side by side.
    expect(fleet.model.peak()).toBeGreaterThan(2);
    for (const run of runs) {
      const diff = await diffOf(run);
      const file = join(scratchFolder(), 'run.diff');
      writeFileSync(file, diff);
      execFileSync('git', ['apply', '--check', file], { cwd: pristine });
      const changed = [...diff.matchAll(/^diff --git a\/(\S+)/gm)].map(([, name]) => name);
      expect(changed).toEqual([`own-${run.label ?? ''}.txt`, 'shared.txt']);
      expect(diff.match(/^\+run \d+$/gm)).toEqual([`+run ${run.label ?? ''}`, `+run ${run.label ?? ''}`]);
    }
    await expect.poll(copiesLeft, { timeout: 10_000 }).toEqual([]);
  });

  test('in place: all complete, never two of them at a time', async () => {
    await startAll({ workspace: 'none' });
    const { runs, waitedFor } = await follow();
    expect(runs.map((run) => [run.status, run.outcome])).toEqual(runs.map(() => ['completed', 'exit 0']));
    expect(runs).toHaveLength(count);
    expect([...waitedFor]).toEqual(['workspace']);
    expect(fleet.model.peak()).toBe(1);
    const lines = readFileSync(join(repo, 'shared.txt'), 'utf8').trimEnd().split('\n');
    expect(lines.slice(1, -1).toSorted()).toEqual(runs.map((_, at) => `run ${String(at)}`).toSorted());
    expect(lines).toHaveLength(count + 2);
  });
});

test(
  'a run works on the tree as it stands, and its diff is landed by apply',
  { timeout: 90_000 },
  async () => {
    const before = treeDigest(repo);
    const prompt = script(
      { shell: 'cat README.md notes.txt staged.txt; ls out; git status --short' },
      { patch: patchOf(7) },
      { say: 'done' },
    );
    const started = await peer.call('start_run', { task_id: 'many', cwd: repo, prompt });
    const runId = started.runs[0]?.run_id ?? '';
    const { runs } = await follow();
    const [run] = runs;
    expect(run).toMatchObject({ status: 'completed', outcome: 'exit 0' });
    const stdout = run?.handles?.find(({ stream }) => stream === 'stdout')?.handle_id ?? '';
    const { text } = await peer.call('read_handle', { handle_id: stdout });
    expect(text).toContain('two, changed');
    expect(text).toContain('untracked');
    expect(text).toContain('staged');
    expect(text).toContain(' M README.md');
    expect(text).not.toContain('x.bin');
    expect(treeDigest(repo)).toBe(before);

    const stash = git(repo, 'stash', 'list');
    const landed = await fleet.cli('apply', runId);
    expect(landed).toMatchObject({ code: 0, stdout: 'Changed own-7.txt, shared.txt\n' });
    expect(readFileSync(join(repo, 'own-7.txt'), 'utf8')).toBe('run 7\n');
    expect(readFileSync(join(repo, 'shared.txt'), 'utf8')).toBe('first\nrun 7\nlast\n');
    expect(readFileSync(join(repo, 'README.md'), 'utf8')).toContain('two, changed');
    expect(git(repo, 'stash', 'list')).toBe(stash);
  },
);
