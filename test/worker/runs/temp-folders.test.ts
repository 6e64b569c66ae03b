import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TempFolders } from '../../../servers/worker/runs/temp-folders.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

function open(dir = join(scratchFolder(), 'tmp')) {
  const removals: Promise<void>[] = [];
  const temps = new TempFolders(dir, (done) => removals.push(done));
  return { dir, temps, removed: () => Promise.all(removals) };
}

it('gives each attempt a private folder of its own, and an untouched one to the next', async () => {
  const { dir, temps } = open();
  const [a, b] = [temps.take('run_a'), temps.take('run_b')];
  expect(a).not.toBe(b);
  expect(temps.take('run_a')).toBe(a);
  expect(temps.of('run_b')).toBe(b);
  expect(statSync(a).mode & 0o7777).toBe(0o700);
  await temps.giveBack('run_a');
  expect(() => temps.of('run_a')).toThrow('run_a');
  expect(temps.take('run_c')).toBe(a);
  expect(readdirSync(dir)).toHaveLength(2);
});

it.each<[string, (folder: string) => void]>([
  ['a file', (folder) => writeFileSync(join(folder, 'left'), '')],
  ['a folder', (folder) => mkdirSync(join(folder, 'left', 'deep'), { recursive: true })],
  ['other rights', (folder) => chmodSync(folder, 0o755)],
  ['nothing, not even itself', (folder) => rmSync(folder, { recursive: true })],
])('never gives a folder again in which %s was left', async (_, leave) => {
  const { temps } = open();
  const first = temps.take('run_a');
  leave(first);
  await temps.giveBack('run_a');
  expect(existsSync(first)).toBe(false);
  const next = temps.take('run_b');
  expect(next).not.toBe(first);
  expect(readdirSync(next)).toEqual([]);
});

it('removes what an earlier process left', async () => {
  const { dir, temps } = open();
  writeFileSync(join(temps.take('run_a'), 'left'), '');
  const again = open(dir);
  await again.removed();
  expect(readdirSync(dir)).toEqual([]);
});

it('makes another where a folder it kept is gone', async () => {
  const { temps } = open();
  const first = temps.take('run_a');
  await temps.giveBack('run_a');
  rmSync(first, { recursive: true });
  expect(statSync(temps.take('run_b')).isDirectory()).toBe(true);
});
