import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../mcp/client.ts';
import { fleetContracts } from '../../schemas/tools.ts';
import { createFleet, type TestFleet } from '../helpers/fleet.ts';

let fleet: TestFleet;
let url: string;

beforeAll(async () => {
  fleet = await createFleet({ workers: { count: 0 } });
  const { code, stderr } = await fleet.cli('up');
  if (code !== 0) throw new Error(stderr);
  url = await fleet.url();
});
afterAll(() => fleet.close());

async function isLetIn(secret: string): Promise<boolean> {
  const peer = await connect(fleetContracts, { url, secret }).catch(() => undefined);
  await peer?.close();
  return peer !== undefined;
}

async function token(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await fleet.cli('token', ...args);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

it('makes tokens the running fleet knows at once, and keeps none of them', async () => {
  const file = join(fleet.stateDir, 'tokens.json');
  const made = await token('add', 'jane', '--scope', 'read', '--days', '2');
  expect(made).toMatch(/^[\w-]{43}$/);
  expect(await isLetIn(made)).toBe(true);
  const kept = readFileSync(file, 'utf8');
  expect(kept).not.toContain(made);
  expect(kept).not.toContain(await fleet.secret());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await token('list')).toMatch(/^jane +jane +read +\d+ s +1 d$/m);
  expect(await token('list', '--json')).not.toContain('sha256');
  await token('revoke', 'jane');
  expect(await isLetIn(made)).toBe(false);
});

it('rotates the secret of the state folder: both are good for a day, until the name is revoked', async () => {
  const before = await fleet.secret();
  const next = await token('rotate', 'default');
  expect(await fleet.secret()).toBe(next);
  expect(next).not.toBe(before);
  expect([await isLetIn(before), await isLetIn(next)]).toEqual([true, true]);
  await token('revoke', 'default');
  const fresh = await fleet.secret();
  expect([await isLetIn(before), await isLetIn(next), await isLetIn(fresh)]).toEqual([false, false, true]);
});

it('refuses what makes no sense', async () => {
  for (const args of [
    ['add'],
    ['add', '../x'],
    ['add', 'a', '--scope', 'root'],
    ['turn', 'a'],
    ['add', 'default'],
  ]) {
    expect((await fleet.cli('token', ...args)).code, args.join(' ')).not.toBe(0);
  }
  expect((await fleet.cli('token', 'rotate', 'nobody')).stderr).toContain('There is no token "nobody"');
});
