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
