import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openVault } from '../../../coordinator/privacy/vault.ts';
import { openSqliteStores } from '../../../coordinator/store/sqlite-run-store.ts';
import { dieAt } from '../../helpers/failpoints.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const first = 'EMAIL_00000000000000abcd';
const second = 'EMAIL_00000000000000abce';

/** What a process finds in a vault, by surrogate. */
async function look(folder: string, put: Record<string, string> = {}): Promise<(string | undefined)[]> {
  const stores = await openSqliteStores(join(folder, 'fleet.db'));
  const vault = openVault({
    store: stores.vault,
    masterKeyFile: join(folder, 'master-key'),
    keepMs: 1_000_000,
    clock: { now: () => 1_000 },
  });
  try {
    const values = Object.entries(put).map(([surrogate, raw]) => ({ surrogate, raw: Buffer.from(raw) }));
    if (values.length > 0) await vault.put(await vault.scope('t'), values);
    const scope = vault.known('t');
    return [first, second].map((one) => scope && vault.look(scope, one)?.toString());
  } finally {
    await stores.close();
  }
}

it.each([
  ['put', 'before', ['one', undefined]],
  ['put', 'after', ['one', 'two']],
  ['forget', 'before', ['one', undefined]],
  ['forget', 'after', [undefined, undefined]],
  ['rotate', 'before', ['one', undefined]],
  ['rotate', 'after', ['one', undefined]],
] as const)(
  'a coordinator that dies in a vault’s %s, %s its commit, leaves it whole',
  async (act, at, left) => {
    const folder = scratchFolder();
    expect(await look(folder, { [first]: 'one' })).toEqual(['one', undefined]);
    dieAt({ name: `store.vault.${at}`, folder }, 'die-in-vault.mjs', [folder, act, second, 'two']);
    expect(await look(folder)).toEqual(left);
    expect(await look(folder, { [second]: 'two' })).toContain('two');
  },
);

it.each([
  ['master_key.before', 1],
  ['master_key.after', 1],
  ['store.vault.before', 1],
  ['store.vault.after', 1],
  ['master_key.before', 2],
  ['master_key.after', 2],
] as const)(
  'a rotation that dies at %s, the %i. time, loses nothing and is ended by the next process',
  async (name, nth) => {
    const folder = scratchFolder();
    expect(await look(folder, { [first]: 'one' })).toEqual(['one', undefined]);
    const old = readFileSync(join(folder, 'master-key'), 'utf8').trim().slice(2);
    dieAt({ name, nth, folder }, 'die-in-vault.mjs', [folder, 'rotate', '', '']);
    expect(await look(folder)).toEqual(['one', undefined]);

    const stores = await openSqliteStores(join(folder, 'fleet.db'));
    const masterKeyFile = join(folder, 'master-key');
    const vault = openVault({
      store: stores.vault,
      masterKeyFile,
      keepMs: 1_000_000,
      clock: { now: () => 1_000 },
    });
    await vault.expire();
    const isBegun = name !== 'master_key.before' || nth > 1;
    const [kept = '', ...others] = readFileSync(masterKeyFile, 'utf8').trim().split('\n');
    expect(others).toEqual([]);
    expect(kept.startsWith(isBegun ? '2 ' : '1 ')).toBe(true);
    if (!isBegun) await vault.rotate();
    await stores.close();
    const left = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(left.filter((file) => readFileSync(file).includes(old))).toEqual([]);
    expect(await look(folder)).toEqual(['one', undefined]);
  },
);
