import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findWorkTree } from '../../platform/work-tree.ts';
import { scratchFolder } from '../helpers/scratch.ts';

function makeRepository(top: string): void {
  mkdirSync(join(top, '.git'), { recursive: true });
  writeFileSync(join(top, '.git', 'HEAD'), 'ref: refs/heads/main\n');
}

test('takes an empty .git for none', () => {
  const root = scratchFolder();
  mkdirSync(join(root, 'app', '.git'), { recursive: true });
  expect(findWorkTree(join(root, 'app'), '/home/jane')).toBeUndefined();
  makeRepository(root);
  expect(findWorkTree(join(root, 'app'), '/home/jane')).toBe(root);
});

test('finds the nearest .git, a folder or a file', () => {
  const root = scratchFolder();
  makeRepository(join(root, 'app'));
  mkdirSync(join(root, 'app', 'a', 'b'), { recursive: true });
  mkdirSync(join(root, 'app', 'linked', 'c'), { recursive: true });
  writeFileSync(join(root, 'app', 'linked', '.git'), 'gitdir: elsewhere\n');
  expect(findWorkTree(join(root, 'app', 'a', 'b'), '/home/jane')).toBe(join(root, 'app'));
  expect(findWorkTree(join(root, 'app', 'linked', 'c'), '/home/jane')).toBe(join(root, 'app', 'linked'));
  expect(findWorkTree(root, '/home/jane')).toBeUndefined();
});

test('takes neither a home folder under Git nor anything above it', () => {
  const root = scratchFolder();
  const home = join(root, 'home');
  makeRepository(root);
  makeRepository(home);
  mkdirSync(join(home, 'app'));
  expect(findWorkTree(join(home, 'app'), home)).toBeUndefined();
  expect(findWorkTree(home, home)).toBeUndefined();
  expect(findWorkTree(root, home)).toBeUndefined();
  expect(findWorkTree(join(home, 'app'), '/home/jane')).toBe(home);
});
