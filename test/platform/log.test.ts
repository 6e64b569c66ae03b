import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'log-on.mjs');

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
