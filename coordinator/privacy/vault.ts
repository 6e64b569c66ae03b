import { randomBytes, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { FleetError } from '../../core/errors.ts';
import type { Mac } from '../../core/privacy/surrogate.ts';
import {
  createMac,
  decrypt,
  deriveKey,
  encrypt,
  keyBytes,
  privateKeyOf,
  publicBytes,
} from '../../platform/privacy/keys.ts';
import { openMasterKeys, saveMasterKeys, type MasterKeys } from '../../platform/privacy/master-key.ts';
import { takeLock, type Lock } from '../../platform/lock.ts';
import type { Clock } from '../clock.ts';
import type { RestoreRecord } from '../../schemas/privacy.ts';
import { restoreRecordOf } from './restore-record.ts';
import type { RestoresOf, VaultStore } from '../store/vault-store.ts';
import type { RestoreRow, ScopeRow } from '../store/vault-table.ts';

/** The keys of one scope. All come from its data key, which is random, and gone when the scope is. */
export interface Scope {
  readonly id: string;
  /** What a worker gets: makes surrogates and tells genuine ones. */
  readonly surrogateKey: Buffer;
  readonly mac: Mac;
  /** What a worker seals values for. */
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
  readonly valueKey: Buffer;
}

export interface StoredValue {
  surrogate: string;
  raw: Uint8Array;
}

/** What surrogates stand for: known to the coordinator alone. */
export interface Vault {
  /** Made at its first use; kept for `keep_ms` from its last. */
  scope(id: string): Promise<Scope>;
  /** undefined where there is none, or none any more. */
  known(id: string): Scope | undefined;
  put(scope: Scope, values: readonly StoredValue[]): Promise<void>;
  /** What stood there; undefined where nobody knows, or the row is damaged. */
  look(scope: Scope, surrogate: string): Buffer | undefined;
  /** Shreds a scope: its key goes, and with it all it could decrypt. Whether there was one. */
  forget(id: string): Promise<boolean>;
  /**
   * Encrypts every scope's key under a new master key, and forgets the old ones. How many scopes. CONFLICT where
   * another process does so.
   */
  rotate(): Promise<number>;
  /** Shreds the scopes whose time is over, forgets what was put back as long ago, and ends a rotation that was cut off. */
  expire(): Promise<void>;
  audit(row: Omit<RestoreRow, 'at'>): Promise<void>;
  /** The latest first. */
  restores(of: RestoresOf, most: number): RestoreRecord[];
}

export interface VaultOptions {
  store: VaultStore;
  masterKeyFile: string;
  keepMs: number;
  clock: Pick<Clock, 'now'>;
}

/** A scope in use is marked so once in this part of the time it is kept. */
const keepAgain = 24;
const scopesInMemory = 200;

/** The master key is read, or made, by the first use. WRONG_STATE where it is not as it should be. */
export function openVault({ store, masterKeyFile, keepMs, clock }: VaultOptions): Vault {
  let keys: MasterKeys | undefined;
  const cache = new Map<string, { scope: Scope; expiresAt: number }>();
  const making = new Map<string, Promise<Scope>>();
  /** Without master keys there is nothing to look for. */
  let isEmpty = !existsSync(masterKeyFile);
  const master = (): MasterKeys => (keys ??= openMasterKeys(masterKeyFile));

  function known(id: string): Scope | undefined {
    const cached = cache.get(id);
    if (cached !== undefined && cached.expiresAt > clock.now()) return cached.scope;
    cache.delete(id);
    if (isEmpty) return undefined;
    const row = store.scope(id);
    return row === undefined || row.expires_at <= clock.now() ? undefined : remember(row);
  }
  function remember(row: ScopeRow): Scope | undefined {
    // Another process may have put another master key in place.
    if (!master().byVersion.has(row.key_version)) keys = openMasterKeys(masterKeyFile);
    const dataKey = openDataKey(master(), row);
    if (dataKey === undefined) return undefined;
    const scope = scopeOf(row.scope, dataKey);
    cache.set(row.scope, { scope, expiresAt: row.expires_at });
    const [oldest] = cache.keys();
    if (cache.size > scopesInMemory && oldest !== undefined) cache.delete(oldest);
    return scope;
  }
  async function make(id: string): Promise<Scope> {
    const now = clock.now();
    const { current } = master();
    isEmpty = false;
    const row = { scope: id, created_at: now, expires_at: now + keepMs, key_version: current };
    const box = encrypt(masterKey(master(), current), randomBytes(keyBytes), contextOf(id, current));
    // An expired one makes way; one that another process has just made stays, and is the one that counts.
    await store.change([
      { do: 'expire', now, restoresTo: now - keepMs },
      { do: 'open', row: { ...row, key_box: box } },
    ]);
    const scope = known(id);
    if (scope === undefined) throw new Error(`The key of scope ${id} cannot be read.`);
    return scope;
  }
  function makeOnce(id: string): Promise<Scope> {
    const begun = making.get(id) ?? make(id).finally(() => making.delete(id));
    making.set(id, begun);
    return begun;
  }
  async function keep(id: string): Promise<void> {
    const cached = cache.get(id);
    const expiresAt = clock.now() + keepMs;
    if (cached === undefined || expiresAt - cached.expiresAt < keepMs / keepAgain) return;
    cached.expiresAt = expiresAt;
    await store.change([{ do: 'keep', scope: id, expires_at: expiresAt }]);
  }
  /** Brings all scopes under the current master key, and deletes the others where none needs them. How many scopes. */
  async function rewrapAll(): Promise<number> {
    keys = openMasterKeys(masterKeyFile);
    const { current } = keys;
    // Those being made may have begun under an older one.
    await Promise.allSettled(making.values());
    const old = store.scopes().filter((row) => row.key_version !== current);
    const rewrapped = old.flatMap((row) => {
      const dataKey = openDataKey(master(), row);
      if (dataKey === undefined) return [];
      const box = encrypt(masterKey(master(), current), dataKey, contextOf(row.scope, current));
      return [{ do: 'rewrap' as const, scope: row.scope, key_version: current, key_box: box }];
    });
    if (rewrapped.length > 0) await store.change(rewrapped);
    const rows = store.scopes();
    const key = keys.byVersion.get(current);
    if (key !== undefined && rows.every((row) => row.key_version === current))
      saveMasterKeys(masterKeyFile, new Map([[current, key]]));
    keys = openMasterKeys(masterKeyFile);
    return rows.filter((row) => row.key_version === current).length;
  }
  /** Of a process that died in the middle of it. */
  async function finishRotation(): Promise<void> {
    const lock = lockRotation(masterKeyFile);
    try {
      await rewrapAll();
    } finally {
      lock.release();
    }
  }
  return {
    known,
    async scope(id) {
      const scope = known(id) ?? (await makeOnce(id));
      await keep(id);
      return scope;
    },
    async put(scope, values) {
      const fresh = values.filter(({ surrogate }) => store.box(scope.id, surrogate) === undefined);
      if (fresh.length === 0) return;
      const rows = fresh.map(({ surrogate, raw }) => ({
        surrogate,
        box: encrypt(scope.valueKey, raw, `${scope.id}|${surrogate}`),
      }));
      await store.change([{ do: 'put', scope: scope.id, values: rows }]);
    },
    look(scope, surrogate) {
      const box = store.box(scope.id, surrogate);
      return box === undefined ? undefined : decrypt(scope.valueKey, box, `${scope.id}|${surrogate}`);
    },
    async forget(id) {
      cache.delete(id);
      const isThere = store.scope(id) !== undefined;
      await store.change([{ do: 'drop', scope: id }]);
      return isThere;
    },
    async rotate() {
      const lock = lockRotation(masterKeyFile);
      try {
        const before = openMasterKeys(masterKeyFile);
        const version = before.current + 1;
        // Until no scope needs the old keys they stay: a crash in between loses nothing.
        saveMasterKeys(masterKeyFile, new Map([...before.byVersion, [version, randomBytes(keyBytes)]]));
        return await rewrapAll();
      } finally {
        lock.release();
      }
    },
    async expire() {
      if (isEmpty) return;
      const now = clock.now();
      await store.change([{ do: 'expire', now, restoresTo: now - keepMs }]);
      if (master().byVersion.size > 1) await finishRotation();
    },
    async audit(row) {
      await store.change([{ do: 'restored', row: { ...row, at: clock.now() } }]);
    },
    restores: (of, most) => store.restores(of, most).map(restoreRecordOf),
  };
}

/** Two that each made a key would each delete the other's. CONFLICT where another process is at it. */
function lockRotation(masterKeyFile: string): Lock {
  const lock = takeLock(`${masterKeyFile}.lock`);
  if (lock !== undefined) return lock;
  throw new FleetError('CONFLICT', 'The master key is being replaced already.', {
    next: 'Wait, and look again.',
  });
}

function openDataKey(
  keys: MasterKeys,
  { scope, key_version: version, key_box: box }: ScopeRow,
): Buffer | undefined {
  const key = keys.byVersion.get(version);
  return key && decrypt(deriveKey(key, 'scope keys'), box, contextOf(scope, version));
}

function masterKey(keys: MasterKeys, version: number): Buffer {
  const key = keys.byVersion.get(version);
  if (key === undefined) throw new Error(`There is no master key ${String(version)}.`);
  return deriveKey(key, 'scope keys');
}

function contextOf(scope: string, version: number): string {
  return `${scope}|${String(version)}`;
}

function scopeOf(id: string, dataKey: Buffer): Scope {
  const surrogateKey = deriveKey(dataKey, 'surrogates');
  const privateKey = privateKeyOf(deriveKey(dataKey, 'sealed values'));
  return {
    id,
    surrogateKey,
    mac: createMac(surrogateKey),
    publicKey: publicBytes(privateKey),
    privateKey,
    valueKey: deriveKey(dataKey, 'values'),
  };
}
