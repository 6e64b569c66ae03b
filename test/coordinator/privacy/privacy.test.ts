import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createPrivacy } from '../../../coordinator/privacy/privacy.ts';
import { openVault } from '../../../coordinator/privacy/vault.ts';
import { createLogger } from '../../../platform/log.ts';
import { config } from '../../../schemas/config.ts';
import { runSpec } from '../../../schemas/run.ts';
import { memoryVaultStore } from '../../helpers/memory-vault-store.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const key = ['ghp', 'q7Rw2Kx9Lm4Tz8Vb1Nc6Hd3Jf5Gs0Pa2Yu4E'].join('_');
const values = ['Jane Miller', 'jane.miller@example.org', '+49 151 23456789'];
const prompt = `Author: ${values[0] ?? ''} <${values[1] ?? ''}>\nMobile: ${values[2] ?? ''}\nGITHUB_TOKEN=${key}\n`;
const spec = runSpec.parse({
  task_id: 't',
  cwd: '/w',
  pipeline: 'codex',
  prompt,
  inputs: {},
  depth: 0,
  ask: false,
});

async function bench() {
  const masterKeyFile = join(scratchFolder(), 'master-key');
  const clock = { now: () => 1 };
  const vault = openVault({ store: memoryVaultStore(), masterKeyFile, keepMs: 60_000, clock });
  const log = createLogger({ name: 'test', level: 'silent' });
  const privacy = createPrivacy({ vault, privacy: config.parse({}).privacy, log });
  const [kept] = await privacy.protect([spec]);
  if (kept === undefined) throw new Error('Nothing is kept.');
  const run = { run_id: 'r', spec: kept };
  const notified: unknown[] = [];
  const link = {
    notify: async (_method: string, params: unknown) => {
      notified.push(params);
      return Promise.resolve();
    },
  };
  return { vault, privacy, run, link, notified };
}

function worker(origin: 'local' | 'remote', ...labels: string[]) {
  return { id: 'w', origin, labels: new Set(labels) };
}

it('puts back addresses, numbers and names for workers of this host, and keys for nobody', async () => {
  const { privacy, run, link } = await bench();
  expect(run.spec.prompt).not.toMatch(/Miller|example|23456789|ghp/);
  const { spec: sent, told } = await privacy.outgoing(worker('local'), link, run);
  expect(sent.prompt).toContain(prompt.slice(0, prompt.indexOf('GITHUB')));
  expect(sent.prompt).not.toContain(key);
  expect(told?.restored?.counts).toEqual({ PERSON: 1, EMAIL: 1, PHONE: 1 });
  expect(told?.withheld).toEqual({ SECRET: 1 });
});

it('keeps no value in the names a caller or its client gives a run', async () => {
  const { privacy } = await bench();
  const named = { ...spec, label: `for ${values[1] ?? ''}`, request_key: `t1/u1/${values[1] ?? ''}` };
  const [kept] = await privacy.protect([named]);
  expect(kept?.label).toMatch(/^for EMAIL_[0-9a-z]{18}$/);
  expect(kept?.request_key).toMatch(/^t1\/u1\/EMAIL_[0-9a-z]{18}$/);
});

it('puts back nothing for a worker elsewhere, whatever it calls itself', async () => {
  const { privacy, run, link } = await bench();
  for (const labels of [[], ['codex-cloud'], ['codex-local']]) {
    const { spec: sent, told } = await privacy.outgoing(worker('remote', ...labels), link, run);
    expect(sent.prompt).toBe(run.spec.prompt);
    expect(told?.withheld).toEqual({ PERSON: 1, EMAIL: 1, PHONE: 1, SECRET: 1 });
  }
});

it('keeps no value it has put back in what a worker says of it', async () => {
  const { privacy, run } = await bench();
  // Nothing tells that this is a name but that it was one in the prompt.
  const said = await privacy.words(run, `Not allowed: ["/bin/echo","jane miller, ${values.join('|')}"]`);
  for (const value of values) expect(said).not.toContain(value);
  expect(said).toContain('Not allowed: ["/bin/echo"');
  expect(run.spec.prompt).toContain(/PERSON_[0-9a-z]{18}/.exec(said)?.[0] ?? 'none');
});

it('gives each connection the keys of a task, again where they did not arrive, and before any message', async () => {
  const { privacy, run, link, notified } = await bench();
  const broken = { notify: () => Promise.reject(new Error('gone')) };
  await expect(privacy.message(worker('local'), broken, run, undefined)).rejects.toThrow('gone');
  await expect(privacy.message(worker('local'), broken, run, undefined)).rejects.toThrow('gone');
  await privacy.tellAgain(broken, ['t']);
  await privacy.tellAgain(link, ['t', 't']);
  expect(await privacy.message(worker('local'), link, run, undefined)).toBeUndefined();
  await privacy.outgoing(worker('local'), link, run);
  expect(notified).toMatchObject([{ task_id: 't' }]);
});

it('gives new keys where a task was forgotten meanwhile', async () => {
  const { privacy, run, link, notified, vault } = await bench();
  await privacy.tellAgain(link, ['t']);
  await vault.forget('t');
  const { spec: sent, told } = await privacy.outgoing(worker('local'), link, run);
  expect(sent.prompt).toBe(run.spec.prompt);
  expect(told?.unknown).toBe(4);
  expect(notified).toHaveLength(2);
});

it('gives a message to a run under way as it gives the prompt: by where it goes, and on record', async () => {
  const { privacy, run, link, vault } = await bench();
  const [, email = ''] = values;
  const surrogate = /EMAIL_[0-9a-z]{18}/.exec(run.spec.prompt ?? '')?.[0] ?? '';
  const text = `Write to ${email}, ${surrogate} and EMAIL_${'0'.repeat(18)}.`;
  const here = await privacy.message(worker('local'), link, run, text);
  expect(here).toBe(`Write to ${email}, ${email} and EMAIL_${'0'.repeat(18)}.`);
  const there = await privacy.message(worker('remote'), link, run, text);
  expect(there).toMatch(new RegExp(`^Write to ${surrogate}, ${surrogate} and `));
  const [refused, given] = vault.restores({ run_id: 'r' }, 2);
  expect(given).toMatchObject({ destination: 'w (codex-local)', allowed: true, restored: { EMAIL: 2 } });
  expect(refused).toMatchObject({ allowed: false, restored: {}, withheld: { EMAIL: 2 } });
  expect(JSON.stringify([refused, given])).not.toContain('@');
});
