import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openOriginal } from '../../coordinator/privacy/open-original.ts';
import { openVault } from '../../coordinator/privacy/vault.ts';
import { failpointNames } from '../../platform/failpoint.ts';
import { createMac } from '../../platform/privacy/keys.ts';
import { openMasterKeys } from '../../platform/privacy/master-key.ts';
import { createOpener } from '../../platform/privacy/sealing.ts';
import { originalFile } from '../../servers/worker/privacy/sealed-files.ts';
import { createOriginalKeeper, readOriginal } from '../../servers/worker/privacy/sealed-originals.ts';
import { createSealedValuesReader, openSealedValues } from '../../servers/worker/privacy/sealed-values.ts';
import { dieAt } from '../helpers/failpoints.ts';
import { memoryVaultStore } from '../helpers/memory-vault-store.ts';
import { scratchFolder } from '../helpers/scratch.ts';

const line = '+write to jane.doe@example.org\n';
const whole = line.repeat(24_000);
const values = [
  ['EMAIL_1', 'jane.doe@example.org'],
  ['EMAIL_2', 'joe.bloggs@example.org'],
] as const;

/** The vault of another place: the process that dies makes a master key of its own. */
async function scopeElsewhere() {
  const masterKeyFile = join(scratchFolder(), 'master-key');
  const clock = { now: () => 1_000 };
  return openVault({ store: memoryVaultStore(), masterKeyFile, keepMs: 60_000, clock }).scope('t');
}

function filesIn(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}

describe('a process that dies where it keeps private values', () => {
  const names = failpointNames.filter((name) => /^(sealed|master_key)\./.test(name));

  it.each(names)('at %s: nothing is readable, nothing kept before is lost, and it goes on', async (name) => {
    const folder = scratchFolder();
    const scope = await scopeElsewhere();
    const nth = name.startsWith('master_key') ? 1 : 2;
    const key = scope.publicKey.toString('base64');
    dieAt({ name, nth, folder }, 'die-sealing.mjs', [folder, key, JSON.stringify(values), line]);
    for (const file of filesIn(folder)) expect(file.includes('@example.org')).toBe(false);

    const keys = openMasterKeys(join(folder, 'master-key'));
    expect(openMasterKeys(join(folder, 'master-key'))).toEqual(keys);

    const read = () =>
      createSealedValuesReader(folder)
        .read('run', 0, 10)
        .values.map(({ surrogate, ephemeral, box }) => {
          const open = createOpener(scope.privateKey, Buffer.from(ephemeral, 'base64'));
          return [surrogate, open(Buffer.from(box, 'base64'), `t|${surrogate}`)?.toString()];
        });
    const fetch = (from: number): Promise<string> => {
      const part = readOriginal(originalFile(folder, 'run', 'diff'), from, 1_000_000);
      return Promise.resolve(part?.toString('base64') ?? '');
    };
    const kept = await openOriginal(fetch, scope, 'run', 'diff').catch(() => undefined);
    expect([undefined, whole]).toContain(kept?.toString());
    const count = name.startsWith('master_key') ? 0 : /^sealed\.value\.(before|torn)$/.test(name) ? 1 : 2;
    expect(read()).toEqual(values.slice(0, count));

    const again = openSealedValues(folder, 'run', { task_id: 't', publicKey: () => scope.publicKey });
    expect(again.count).toBe(count);
    for (const [surrogate, raw] of values) again.add({ surrogate, type: 'EMAIL', raw: Buffer.from(raw) });
    expect(read()).toEqual([...values.slice(0, count), ...values]);
    const mac = createMac(scope.surrogateKey);
    const publicKey = scope.publicKey;
    const known = { dir: folder, run_id: 'run', task_id: 't', name: 'diff' } as const;
    const keeper = createOriginalKeeper({ ...known, publicKey, mac });
    keeper.add(Buffer.from(whole));
    expect(keeper.end(true)).toBe(true);
    expect((await openOriginal(fetch, scope, 'run', 'diff'))?.toString()).toBe(whole);
  });
});
