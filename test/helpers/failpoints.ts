import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { FailpointName } from '../../platform/failpoint.ts';

/** Lets a program die where it comes to a failpoint for the `nth` time; fails where it never does. */
export function dieAt(
  point: { name: FailpointName; nth?: number; folder: string },
  program: string,
  args: readonly string[],
): void {
  const failpoints = join(point.folder, 'failpoints');
  mkdirSync(failpoints);
  writeFileSync(join(failpoints, point.name), String(point.nth ?? 1));
  const file = fileURLToPath(new URL(`../fixtures/${program}`, import.meta.url));
  const ended = spawnSync(process.execPath, [file, ...args], {
    env: { ...process.env, CODEX_FLEET_FAILPOINTS: failpoints },
    encoding: 'utf8',
  });
  expect(ended.signal, `${ended.stdout}${ended.stderr}`).toBe('SIGKILL');
  expect(existsSync(join(failpoints, `${point.name}.fired`))).toBe(true);
}
