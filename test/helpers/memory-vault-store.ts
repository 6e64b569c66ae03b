import type { VaultStore } from '../../coordinator/store/vault-store.ts';
import type { RestoreRow, ScopeRow, VaultChange } from '../../coordinator/store/vault-table.ts';

/** For tests of what is behind a vault's store, not of the store. */
export function memoryVaultStore(): VaultStore {
  const scopes = new Map<string, ScopeRow>();
  const boxes = new Map<string, Uint8Array>();
  const restores: RestoreRow[] = [];

  function change(one: VaultChange): void {
    if (one.do === 'open' && !scopes.has(one.row.scope)) scopes.set(one.row.scope, one.row);
    if (one.do === 'put') for (const row of one.values) boxes.set(`${one.scope}|${row.surrogate}`, row.box);
    if (one.do === 'drop') scopes.delete(one.scope);
    if (one.do === 'restored') restores.push(one.row);
  }
  return {
    change: (changes) => Promise.resolve(changes.forEach(change)),
    scope: (scope) => scopes.get(scope),
    scopes: () => [...scopes.values()],
    box: (scope, surrogate) => boxes.get(`${scope}|${surrogate}`),
    restores: ({ scope, run_id: runId }, most) =>
      restores
        .filter((row) => (scope ?? row.scope) === row.scope && (runId ?? row.run_id) === row.run_id)
        .toReversed()
        .slice(0, most),
  };
}
