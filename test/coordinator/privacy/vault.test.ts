import Database from 'better-sqlite3';
import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openVault, type Vault } from '../../../coordinator/privacy/vault.ts';
import { openSqliteStores, type Stores } from '../../../coordinator/store/sqlite-run-store.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const keepMs = 1_000_000;
const secret = 'jane.doe@example.com';
const surrogate = 'EMAIL_00000000000000abcd';

const opened: Stores[] = [];

afterEach(async () => {
  for (const stores of opened.splice(0)) await stores.close();
});

interface Bench {
  folder: string;
  file: string;
  masterKeyFile: string;
  clock: { nowMs: number };
  stores: Stores;
  vault: Vault;
}

async function bench(folder = scratchFolder()): Promise<Bench> {
  const file = join(folder, 'fleet.db');
  const masterKeyFile = join(folder, 'master-key');
  const clock = { nowMs: 1_000 };
  const stores = await openSqliteStores(file);
  opened.push(stores);
  const vault = openVault({ store: stores.vault, masterKeyFile, keepMs, clock: { now: () => clock.nowMs } });
  return { folder, file, masterKeyFile, clock, stores, vault };
}

async function filled(): Promise<Bench> {
  const made = await bench();
  const scope = await made.vault.scope('t');
  await made.vault.put(scope, [{ surrogate, raw: Buffer.from(secret) }]);
  return made;
}

/** As another process sees it. */
async function again({ folder }: Bench): Promise<Bench> {
  return bench(folder);
}

function look(vault: Vault, scopeId = 't'): string | undefined {
  const scope = vault.known(scopeId);
  return scope && vault.look(scope, surrogate)?.toString();
}

describe('the vault', () => {
  it('gives back what was put in, also in another process', async () => {
    const first = await filled();
    expect(look(first.vault)).toBe(secret);
    expect(look((await again(first)).vault)).toBe(secret);
  });

  it('keeps bytes that are no text', async () => {
    const { vault } = await bench();
    const scope = await vault.scope('t');
    const raw = Buffer.from([0xff, 0, 0xc3, 0x28]);
    await vault.put(scope, [{ surrogate, raw }]);
    expect(vault.look(scope, surrogate)).toEqual(raw);
  });

  it('has the same keys for a scope each time, and others for another', async () => {
    const first = await filled();
    const same = await (await again(first)).vault.scope('t');
    const scope = await first.vault.scope('t');
    expect(same.surrogateKey).toEqual(scope.surrogateKey);
    expect(same.publicKey).toEqual(scope.publicKey);
    expect((await first.vault.scope('u')).surrogateKey).not.toEqual(scope.surrogateKey);
  });

  it('has nothing readable on disk, in files for this user alone', async () => {
    const { folder, stores } = await filled();
    await stores.runs.latestSeq();
    for (const name of readdirSync(folder)) {
      expect(readFileSync(join(folder, name)).includes(secret)).toBe(false);
      expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    }
    expect(readdirSync(folder)).toContain('master-key');
  });

  it('makes no key file before something is to be kept', async () => {
    const { vault, folder } = await bench();
    expect(vault.known('t')).toBeUndefined();
    expect(readdirSync(folder)).not.toContain('master-key');
  });

  it('writes every restore down', async () => {
    const { vault, clock } = await filled();
    clock.nowMs = 5_000;
    const row = { scope: 't', run_id: 'run_1', handle_id: null, destination: 'apply', allowed: 1 };
    const counts = { restored: '{"EMAIL":2}', withheld: '{}', unknown: 0 };
    await vault.audit({ ...row, ...counts });
    const record = { at: 5_000, task_id: 't', run_id: 'run_1', destination: 'apply', allowed: true };
    const shown = { ...record, restored: { EMAIL: 2 }, withheld: {}, unknown: 0 };
    expect(vault.restores({ run_id: 'run_1' }, 10)).toEqual([shown]);
    expect(vault.restores({ scope: 't' }, 10)).toEqual([shown]);
    expect(vault.restores({ run_id: 'run_2' }, 10)).toEqual([]);
    expect(vault.restores({ scope: 'u' }, 10)).toEqual([]);
  });
});

describe('a vault that cannot be read', () => {
  it('gives nothing under a wrong master key', async () => {
    const first = await filled();
    writeFileSync(first.masterKeyFile, `1 ${'00'.repeat(32)}\n`);
    const second = await again(first);
    expect(second.vault.known('t')).toBeUndefined();
    await expect(second.vault.scope('t')).rejects.toThrow('cannot be read');
  });

  it.each([
    ['no keys', 'nonsense\n'],
    ['half a key', `1 ${'0'.repeat(40)}\n`],
    ['nothing', ''],
  ])('refuses a key file with %s, and leaves it as it is', async (_name, text) => {
    const first = await filled();
    writeFileSync(first.masterKeyFile, text);
    const second = await again(first);
    await expect(second.vault.scope('t')).rejects.toMatchObject({ code: 'WRONG_STATE' });
    expect(readFileSync(first.masterKeyFile, 'utf8')).toBe(text);
  });

  it('refuses a key file that others can read', async () => {
    const first = await filled();
    chmodSync(first.masterKeyFile, 0o640);
    const { vault } = await again(first);
    await expect(vault.scope('t')).rejects.toMatchObject({ message: expect.stringContaining('by others') });
  });

  it('takes a torn row for one that is not there, and knows the others', async () => {
    const first = await filled();
    const scope = await first.vault.scope('t');
    const other = 'EMAIL_11111111111111abcd';
    await first.vault.put(scope, [{ surrogate: other, raw: Buffer.from('other') }]);
    await first.stores.close();
    const db = new Database(first.file);
    db.prepare('UPDATE vault_value SET box = substr(box, 1, 20) WHERE surrogate = ?').run(surrogate);
    db.close();
    const { vault } = await again(first);
    expect(look(vault)).toBeUndefined();
    expect(vault.look(await vault.scope('t'), other)?.toString()).toBe('other');
  });

  it('gives nothing of a row that was moved to another surrogate or another scope', async () => {
    const first = await filled();
    await first.vault.scope('u');
    await first.stores.close();
    const db = new Database(first.file);
    db.exec(`INSERT INTO vault_value SELECT 'u', surrogate, box FROM vault_value;
      INSERT INTO vault_value SELECT scope, 'EMAIL_x', box FROM vault_value WHERE scope = 't'`);
    db.close();
    const { vault } = await again(first);
    expect(vault.look(await vault.scope('u'), surrogate)).toBeUndefined();
    expect(vault.look(await vault.scope('t'), 'EMAIL_x')).toBeUndefined();
    expect(look(vault)).toBe(secret);
  });
});

describe('a scope', () => {
  it('is unreadable once it is forgotten, and its key is nowhere on disk', async () => {
    const first = await filled();
    const box = Buffer.from(first.stores.vault.scope('t')?.key_box ?? []);
    expect(box.length).toBeGreaterThan(32);
    expect(await first.vault.forget('t')).toBe(true);
    expect(look(first.vault)).toBeUndefined();
    expect(first.stores.vault.box('t', surrogate)).toBeUndefined();
    for (const name of readdirSync(first.folder)) {
      expect(readFileSync(join(first.folder, name)).includes(box)).toBe(false);
    }
    expect(await first.vault.forget('t')).toBe(false);
    // Begun again it is another one.
    await first.vault.scope('t');
    expect(look(first.vault)).toBeUndefined();
  });

  it('ends when it was not used for long enough, and is kept by being used', async () => {
    const { vault, clock, stores } = await filled();
    clock.nowMs += keepMs - 1;
    expect(look(vault)).toBe(secret);
    await vault.scope('t');
    clock.nowMs += keepMs - 1;
    expect(look(vault)).toBe(secret);
    clock.nowMs += 2;
    expect(look(vault)).toBeUndefined();
    await vault.expire();
    expect(stores.vault.scopes()).toEqual([]);
    expect(stores.vault.box('t', surrogate)).toBeUndefined();
  });

  it('empties the log beside the file where its key was in there, and at no other time', async () => {
    const { vault, clock, file } = await filled();
    const log = (): number => statSync(`${file}-wal`).size;
    const before = log();
    expect(before).toBeGreaterThan(0);
    await vault.scope('u');
    expect(log()).toBeGreaterThanOrEqual(before);
    await vault.expire();
    expect(log()).toBeGreaterThanOrEqual(before);
    clock.nowMs += keepMs + 1;
    await vault.expire();
    expect(log()).toBe(0);
  });

  it('takes along the record of what was put back, when that is as old', async () => {
    const { vault, clock } = await filled();
    const row = { scope: 't', run_id: 'run_1', handle_id: null, destination: 'apply', allowed: 1 };
    await vault.audit({ ...row, restored: '{}', withheld: '{}', unknown: 0 });
    await vault.expire();
    expect(vault.restores({}, 10)).toHaveLength(1);
    clock.nowMs += keepMs;
    await vault.expire();
    expect(vault.restores({}, 10)).toEqual([]);
  });

  it('is made once by many that ask at once', async () => {
    const { vault, stores } = await bench();
    const scopes = await Promise.all(Array.from({ length: 8 }, () => vault.scope('t')));
    expect(new Set(scopes.map((scope) => scope.surrogateKey.toString('hex'))).size).toBe(1);
    expect(stores.vault.scopes()).toHaveLength(1);
  });

  it('is made once by two processes at once, with one master key', async () => {
    const first = await bench();
    const second = await again(first);
    const [a, b] = await Promise.all([first.vault.scope('t'), second.vault.scope('t')]);
    expect(a.surrogateKey).toEqual(b.surrogateKey);
    await Promise.all([
      first.vault.put(a, [{ surrogate, raw: Buffer.from(secret) }]),
      second.vault.put(b, [{ surrogate, raw: Buffer.from(secret) }]),
    ]);
    expect(look(first.vault)).toBe(secret);
    expect(look(second.vault)).toBe(secret);
  });
});

describe('another master key', () => {
  it('takes the place of the old one, and all values stay', async () => {
    const first = await filled();
    const before = readFileSync(first.masterKeyFile, 'utf8');
    writeFileSync(`${first.masterKeyFile}.4711`, readFileSync(first.masterKeyFile), { mode: 0o600 });
    expect(await first.vault.rotate()).toBe(1);
    expect(readdirSync(first.folder).filter((name) => name.startsWith('master-key'))).toEqual([
      'master-key',
      'master-key.lock',
    ]);
    const after = readFileSync(first.masterKeyFile, 'utf8');
    expect(after).toMatch(/^2 [0-9a-f]{64}\n$/);
    expect(after).not.toContain(before.slice(2, 40));
    expect(statSync(first.masterKeyFile).mode & 0o777).toBe(0o600);
    expect(look(first.vault)).toBe(secret);
    expect(look((await again(first)).vault)).toBe(secret);
  });

  it('loses nothing where it is put in place half-way, and is the only one after another try', async () => {
    const { vault: _vault, ...first } = await filled();
    const { stores, masterKeyFile, clock } = first;
    const store = { ...stores.vault, change: () => Promise.reject(new Error('died')) };
    const dying = openVault({ store, masterKeyFile, keepMs, clock: { now: () => clock.nowMs } });
    await expect(dying.rotate()).rejects.toThrow('died');
    expect(readFileSync(masterKeyFile, 'utf8')).toMatch(/^1 [0-9a-f]{64}\n2 [0-9a-f]{64}\n$/);
    const second = await again({ ...first, vault: dying });
    expect(look(second.vault)).toBe(secret);
    expect(await second.vault.rotate()).toBe(1);
    expect(readFileSync(masterKeyFile, 'utf8')).toMatch(/^3 [0-9a-f]{64}\n$/);
    expect(look(second.vault)).toBe(secret);
  });

  it('takes along a scope that is being made meanwhile', async () => {
    const first = await filled();
    const [scope] = await Promise.all([first.vault.scope('u'), first.vault.rotate()]);
    await first.vault.put(scope, [{ surrogate, raw: Buffer.from('of u') }]);
    expect(readFileSync(first.masterKeyFile, 'utf8')).toMatch(/^2 [0-9a-f]{64}\n$/);
    expect(look((await again(first)).vault, 'u')).toBe('of u');
  });

  it('is found by a process that knows only the old one', async () => {
    const first = await filled();
    const second = await again(first);
    expect(look(second.vault)).toBe(secret);
    await second.vault.scope('v');
    await first.vault.scope('w');
    await first.vault.rotate();
    expect(second.vault.known('w')?.surrogateKey).toEqual(first.vault.known('w')?.surrogateKey);
  });

  it('makes the old one useless', async () => {
    const first = await filled();
    const before = readFileSync(first.masterKeyFile);
    await first.vault.rotate();
    writeFileSync(first.masterKeyFile, before);
    expect(look((await again(first)).vault)).toBeUndefined();
  });

  it('leaves the old one where a scope cannot be read', async () => {
    const first = await filled();
    await first.vault.scope('u');
    await first.stores.close();
    const db = new Database(first.file);
    db.exec(`UPDATE vault_scope SET key_box = zeroblob(60) WHERE scope = 'u'`);
    db.close();
    const second = await again(first);
    expect(await second.vault.rotate()).toBe(1);
    expect(readFileSync(first.masterKeyFile, 'utf8')).toMatch(/^1 [0-9a-f]+\n2 [0-9a-f]+\n$/);
    expect(look(second.vault)).toBe(secret);
  });
});
