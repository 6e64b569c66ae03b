import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { describe, expect, it } from 'vitest';
import { buildManifest } from '../../coordinator/manifest/build-manifest.ts';
import { createManifests, type Manifests } from '../../coordinator/manifest/manifests.ts';
import { createMemoryRunStore } from '../../coordinator/store/memory-run-store.ts';
import type { RunRecord, RunStore } from '../../coordinator/store/run-store.ts';
import { createLogger } from '../../platform/log.ts';
import { manifest, taskManifest } from '../../schemas/manifest.ts';
import { eventually } from '../helpers/processes.ts';
import { claimOf, finishOf, handleOf, newRun } from '../helpers/runs.ts';
import { scratchFolder } from '../helpers/scratch.ts';

const log = createLogger({ name: 'test', level: 'silent' });

interface Place {
  store: RunStore;
  project: string;
  markFile: string;
  /** Where a run of a task is exported. */
  fileOf(run: RunRecord): string;
  outside: string;
  open(runsDir?: string): Promise<Manifests>;
  finishOne(taskId: string): Promise<RunRecord>;
}

function place(): Place {
  const folder = scratchFolder();
  const [project, outside, markFile] = ['project', 'outside', 'mark.json'].map((name) => join(folder, name));
  if (project === undefined || outside === undefined || markFile === undefined) throw new Error('no folders');
  for (const dir of [project, outside]) mkdirSync(dir);
  // As a fleet leaves it that exported all there was: nothing.
  writeFileSync(markFile, '{"seq":0}');
  const store = createMemoryRunStore();
  return {
    store,
    project,
    markFile,
    outside,
    fileOf: ({ run_id: id, spec }) => join(project, '.runs', spec.task_id, 'delegated', id, 'manifest.json'),
    async open(runsDir = 'project') {
      const manifests = await createManifests({
        store,
        markFile,
        runsDir,
        keepMs: 1_000,
        mode: 'enforce',
        log,
        isBusy: () => true,
      });
      onTestFinished(() => manifests.close());
      return manifests;
    },
    async finishOne(taskId) {
      const run = newRun({ spec: { task_id: taskId, cwd: project, label: 'one' } });
      await store.submit([run]);
      await store.claim([claimOf(run.run_id)]);
      const [ended] = await store.finish([
        finishOf(run.run_id, { handles: [handleOf({ state: 'sealed' })] }),
      ]);
      if (ended === undefined) throw new Error('not ended');
      return ended;
    },
  };
}

function read(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}

describe('manifests', () => {
  it('stand in the project, linked both ways, with runs that go on in the index', async () => {
    const { store, project, open, finishOne } = place();
    const manifests = await open();
    const [a, b] = [await finishOne('t'), await finishOne('t')];
    const waiting = newRun({ spec: { task_id: 't', cwd: project } });
    await store.submit([waiting]);
    for (const run of [a, b]) manifests.ended(run);
    await eventually(() => existsSync(join(project, '.runs', 't', 'manifest.json')));
    const index = taskManifest.parse(read(project, '.runs', 't', 'manifest.json'));
    expect(index.runs.map((run) => [run.run_id, run.status])).toEqual([
      [a.run_id, 'completed'],
      [b.run_id, 'completed'],
      [waiting.run_id, 'pending'],
    ]);
    const entry = index.runs[0];
    const written = manifest.parse(read(project, '.runs', 't', entry?.manifest ?? ''));
    expect(written).toMatchObject({ run_id: a.run_id, timing: { queued_ms: 1000, duration_ms: 7000 } });
    expect(written.handles[0]?.handle_id).toBe(entry?.handles[0]);
    expect(written).toEqual(buildManifest(a, 1_000, { mode: 'enforce' }));
    expect(readFileSync(join(project, '.runs', '.gitignore'), 'utf8')).toBe('*\n');
    expect(existsSync(join(project, '.runs', 't', 'delegated', waiting.run_id))).toBe(false);
  });

  it('keep the .gitignore that is there, and replace a forged manifest', async () => {
    const { project, outside, open, finishOne } = place();
    const run = await finishOne('t');
    const delegated = join(project, '.runs', 't', 'delegated', run.run_id);
    mkdirSync(delegated, { recursive: true });
    writeFileSync(join(project, '.runs', '.gitignore'), 'mine\n');
    writeFileSync(join(outside, 'victim'), 'untouched');
    symlinkSync(join(outside, 'victim'), join(delegated, 'manifest.json'));
    symlinkSync(join(outside, 'victim'), join(delegated, '.manifest.json.new'));
    const manifests = await open();
    manifests.ended(run);
    await manifests.close();
    expect(manifest.parse(read(delegated, 'manifest.json')).run_id).toBe(run.run_id);
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched');
    expect(readFileSync(join(project, '.runs', '.gitignore'), 'utf8')).toBe('mine\n');
  });

  it.each<[string, (project: string, outside: string) => void]>([
    ['.runs is a link', (project, outside) => symlinkSync(outside, join(project, '.runs'))],
    ['.runs is a file', (project) => writeFileSync(join(project, '.runs'), '')],
    [
      'the task is a link',
      (project, outside) => {
        mkdirSync(join(project, '.runs'));
        symlinkSync(outside, join(project, '.runs', 't'));
      },
    ],
    [
      'delegated is a link',
      (project, outside) => {
        mkdirSync(join(project, '.runs', 't'), { recursive: true });
        symlinkSync(outside, join(project, '.runs', 't', 'delegated'));
      },
    ],
    ['the project is gone', (project) => rmSync(project, { recursive: true })],
    [
      'the project is a link by now',
      (project, outside) => {
        rmSync(project, { recursive: true });
        symlinkSync(outside, project);
      },
    ],
  ])('are written nowhere else when %s', async (_name, spoil) => {
    const { project, outside, open, finishOne } = place();
    spoil(project, outside);
    const run = await finishOne('t');
    const manifests = await open();
    manifests.ended(run);
    await manifests.close();
    expect(readdirSync(outside)).toEqual([]);
  });

  it('go to a folder of the user’s own, or nowhere', async () => {
    const { project, outside, open, finishOne } = place();
    const own = await open(outside);
    const run = await finishOne('t');
    own.ended(run);
    await own.close();
    expect(taskManifest.parse(read(outside, 't', 'manifest.json')).runs).toHaveLength(1);
    const off = await open('off');
    const second = await finishOne('t');
    off.ended(second);
    await off.close();
    expect(readdirSync(project)).toEqual([]);
    expect(existsSync(join(outside, 't', 'delegated', second.run_id))).toBe(false);
  });

  it('are not written of runs from before anybody wanted them', async () => {
    const { open, finishOne, fileOf } = place();
    await (await open('off')).close();
    const before = await finishOne('t');
    await (await open()).close();
    const unwritten = await finishOne('t');
    const on = await open();
    await on.catchUp('jane');
    await on.close();
    expect([before, unwritten].map((run) => existsSync(fileOf(run)))).toEqual([false, true]);
  });

  it('are all written again where the mark cannot be read', async () => {
    const { open, finishOne, fileOf, markFile } = place();
    const run = await finishOne('t');
    writeFileSync(markFile, 'torn{');
    const on = await open();
    await on.catchUp('jane');
    await on.close();
    expect(existsSync(fileOf(run))).toBe(true);
  });

  it('are not put off for runs under way once there are none', { timeout: 20_000 }, async () => {
    const { store, markFile, finishOne, fileOf } = place();
    let isBusy = true;
    let slowMs = 1_000;
    const select: RunStore['select'] = async (selection) => {
      await delay(slowMs);
      return store.select(selection);
    };
    const slow = { ...store, select };
    const manifests = await createManifests({
      keepMs: 1_000,
      mode: 'enforce',
      store: slow,
      markFile,
      runsDir: 'project',
      log,
      isBusy: () => isBusy,
    });
    onTestFinished(() => manifests.close());
    const first = await finishOne('a');
    manifests.ended(first);
    // Told while the first is written: its turn comes after a rest of nine times that.
    const second = await finishOne('b');
    await delay(slowMs / 2);
    manifests.ended(second);
    await eventually(() => existsSync(fileOf(first)), 5_000);
    slowMs = 0;
    isBusy = false;
    await eventually(() => existsSync(fileOf(second)), 5_000);
  });

  it('are written for runs that ended before a crash, and only for those', async () => {
    const { project, open, finishOne, fileOf } = place();
    const first = await open();
    await first.catchUp('jane');
    const before = await finishOne('t');
    first.ended(before);
    await first.close();
    const lost = await finishOne('t');
    rmSync(fileOf(before));
    const second = await open();
    await second.catchUp('jane');
    await second.close();
    expect(existsSync(fileOf(lost))).toBe(true);
    expect(existsSync(fileOf(before))).toBe(false);
    expect(taskManifest.parse(read(project, '.runs', 't', 'manifest.json')).runs).toHaveLength(2);
  });

  it('are written for every run of a long task that ended before a crash', async () => {
    const { open, finishOne, fileOf } = place();
    const runs: RunRecord[] = [];
    for (let count = 0; count < 250; count += 1) runs.push(await finishOne('t'));
    const manifests = await open();
    await manifests.catchUp('jane');
    await manifests.close();
    expect(runs.filter((run) => !existsSync(fileOf(run)))).toEqual([]);
  });

  it('are written after two crashes, the second before the first was made up for', async () => {
    const { open, finishOne, fileOf } = place();
    const unwritten = await finishOne('earlier');
    const first = await open();
    first.ended(await finishOne('later'));
    await first.close();
    const second = await open();
    await second.catchUp('jane');
    await second.close();
    expect(existsSync(fileOf(unwritten))).toBe(true);
  });
});

describe('manifests of runs that are forgotten', () => {
  it('go before the runs themselves, and leave what somebody had exported', async () => {
    const { store, project, open, finishOne } = place();
    const manifests = await open();
    const [old, young] = [await finishOne('t'), await finishOne('t')];
    for (const run of [old, young]) manifests.ended(run);
    const runs = join(project, '.runs');
    const index = join(runs, 't', 'manifest.json');
    await eventually(() => existsSync(index));
    writeFileSync(join(runs, 't', 'delegated', young.run_id, 'stdout.txt'), 'exported');

    await manifests.forget([old], async () => {
      expect(readdirSync(join(runs, 't', 'delegated'))).toEqual([young.run_id]);
      await store.forget([old.run_id]);
    });
    const shown = () => taskManifest.parse(read(index)).runs.map((run) => run.run_id);
    await eventually(() => shown().length === 1);
    expect(shown()).toEqual([young.run_id]);

    await manifests.forget([young], async () => void (await store.forget([young.run_id])));
    expect(existsSync(index)).toBe(false);
    expect(readdirSync(join(runs, 't', 'delegated', young.run_id))).toEqual(['stdout.txt']);
  });

  it('leave nothing of a task, and nothing outside the folders that are the fleet’s', async () => {
    const { store, project, outside, open, finishOne } = place();
    const manifests = await open();
    const [whole, linked] = [await finishOne('whole'), await finishOne('linked')];
    for (const run of [whole, linked]) manifests.ended(run);
    const runs = join(project, '.runs');
    await eventually(() =>
      ['whole', 'linked'].every((task) => existsSync(join(runs, task, 'manifest.json'))),
    );
    writeFileSync(join(outside, 'manifest.json'), 'precious');
    const folder = join(runs, 'linked', 'delegated', linked.run_id);
    rmSync(folder, { recursive: true });
    symlinkSync(outside, folder);

    const ids = [whole.run_id, linked.run_id];
    await manifests.forget([whole, linked], async () => void (await store.forget(ids)));
    expect(readdirSync(runs)).toEqual(['.gitignore']);
    expect(readFileSync(join(outside, 'manifest.json'), 'utf8')).toBe('precious');
  });
});
