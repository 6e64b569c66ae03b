import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const fixtures = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures');
const program = join(fixtures, 'log-on.mjs');

it('a log on a full disk ends nobody', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const ended = spawnSync(process.execPath, [program], {
      stdio: ['ignore', 'pipe', full],
      encoding: 'utf8',
    });
    expect(ended).toMatchObject({ status: 0, stdout: 'alive\n' });
  } finally {
    closeSync(full);
  }
});

it('replaces private values in lines, keeps their order, and waits for what finds them', () => {
  const { stderr } = spawnSync(process.execPath, [join(fixtures, 'log-private.mjs')], { encoding: 'utf8' });
  const lines = stderr.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['first', 'second', 'third']);
  expect(lines[1]).toContain('cannot reach [EMAIL]');
  expect(stderr).not.toContain('jane.doe');
});

it('leaves out of a line what could not be looked at before the process ended', () => {
  const { stderr } = spawnSync(process.execPath, [join(fixtures, 'log-private.mjs'), 'at-once'], {
    encoding: 'utf8',
  });
  const [first, second, third] = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first).toMatchObject({ msg: 'first', worker: 'local-1' });
  expect(second).toMatchObject({ msg: 'second', run: 'run_1' });
  expect(second).not.toHaveProperty('err');
  expect(third).toMatchObject({ msg: 'third' });
});
