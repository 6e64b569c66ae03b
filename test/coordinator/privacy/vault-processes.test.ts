import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openVault } from '../../../coordinator/privacy/vault.ts';
import { openSqliteStores } from '../../../coordinator/store/sqlite-run-store.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const program = fileURLToPath(new URL('../../fixtures/put-in-vault.mjs', import.meta.url));

test('processes that fill a new vault at once share its keys, and none loses what another put in', async () => {
  const dir = scratchFolder();
  const values = ['a', 'b', 'c'].map((letter) => [`EMAIL_${letter}`, `${letter}@example.org`] as const);
  const run = promisify(execFile);
  const said = await Promise.all(values.map((one) => run(process.execPath, [program, dir, ...one])));
  expect(new Set(said.map(({ stdout }) => stdout)).size).toBe(1);
  const stores = await openSqliteStores(join(dir, 'fleet.db'));
  const clock = { now: () => 1_000 };
  const masterKeyFile = join(dir, 'master-key');
  const vault = openVault({ store: stores.vault, masterKeyFile, keepMs: 1_000_000, clock });
  const scope = await vault.scope('t');
  const kept = values.map(([surrogate]) => [surrogate, vault.look(scope, surrogate)?.toString()]);
  await stores.close();
  expect(said[0]?.stdout.trim()).toBe(scope.publicKey.toString('base64'));
  expect(kept).toEqual(values);
});
