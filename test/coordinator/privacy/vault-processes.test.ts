import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openVault, type Vault } from '../../../coordinator/privacy/vault.ts';
import { openSqliteStores } from '../../../coordinator/store/sqlite-run-store.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const program = fileURLToPath(new URL('../../fixtures/put-in-vault.mjs', import.meta.url));

/** What each process says, all of which begin at once: when the last of them is ready. */
async function atOnce(dir: string, acts: readonly (readonly string[])[]): Promise<string[]> {
  const processes = acts.map((act) => {
    const child = spawn(process.execPath, [program, dir, ...act], { stdio: ['pipe', 'pipe', 'inherit'] });
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  });
  for (const { lines } of processes) expect((await lines.next()).value).toBe('ready');
  for (const { child } of processes) child.stdin.write('go\n');
  return Promise.all(
    processes.map(async ({ child, lines }) => {
      const { value } = await lines.next();
      if (child.exitCode === null) await once(child, 'exit');
      return String(value);
    }),
  );
}

async function withVault<T>(dir: string, use: (vault: Vault) => Promise<T>): Promise<T> {
  const stores = await openSqliteStores(join(dir, 'fleet.db'));
  const masterKeyFile = join(dir, 'master-key');
  const clock = { now: () => 1_000 };
  try {
    return await use(openVault({ store: stores.vault, masterKeyFile, keepMs: 1_000_000, clock }));
  } finally {
    await stores.close();
  }
}

test('processes that fill a new vault at once share its keys, and none loses what another put in', async () => {
  const dir = scratchFolder();
  await withVault(dir, () => Promise.resolve());
  const values = ['a', 'b', 'c', 'd'].map((letter) => [`EMAIL_${letter}`, `${letter}@example.org`] as const);
  const said = await atOnce(dir, values);
  expect(new Set(said).size).toBe(1);
  await withVault(dir, async (vault) => {
    const scope = await vault.scope('t');
    const kept = values.map(([surrogate]) => [surrogate, vault.look(scope, surrogate)?.toString()]);
    expect(said[0]).toBe(scope.publicKey.toString('base64'));
    expect(kept).toEqual(values);
  });
});

test('processes that replace the master key at once leave one key, under which everything opens', async () => {
  const dir = scratchFolder();
  await withVault(dir, async (vault) => {
    await vault.put(await vault.scope('t'), [{ surrogate: 'EMAIL_a', raw: Buffer.from('a@example.org') }]);
  });
  const said = await atOnce(dir, [['rotate'], ['rotate'], ['rotate']]);
  expect(said).toContain('1');
  expect(said.filter((one) => one !== '1' && one !== 'CONFLICT')).toEqual([]);
  const replaced = said.filter((one) => one === '1').length;
  expect(readFileSync(join(dir, 'master-key'), 'utf8')).toMatch(
    new RegExp(`^${String(1 + replaced)} [0-9a-f]{64}\n$`),
  );
  await withVault(dir, async (vault) => {
    expect(vault.look(await vault.scope('t'), 'EMAIL_a')?.toString()).toBe('a@example.org');
  });
});
