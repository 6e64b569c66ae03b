import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ensureFreshSignIn,
  marginMs,
  tokenEnd,
  type SignIn,
} from '../../../../servers/worker/engines/codex/sign-in.ts';

const now = 1_800_000_000_000;
let dir: string;
let renewals: number;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenUntil = (end: number): string => `${encode({ alg: 'none' })}.${encode({ exp: end / 1000 })}.x`;

async function signedInUntil(end: number): Promise<void> {
  const tokens = { access_token: tokenUntil(end), refresh_token: 'r', id_token: 'i' };
  await writeFile(join(dir, 'auth.json'), JSON.stringify({ auth_mode: 'chatgpt', tokens }));
}

function signIn(renewTo: number): SignIn {
  return {
    file: join(dir, 'auth.json'),
    lockFile: join(dir, 'account.lock'),
    now: () => now,
    renew: async () => {
      renewals += 1;
      await signedInUntil(renewTo);
    },
  };
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fleet-sign-in-'));
  renewals = 0;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('eight starts on an expired token renew it once', async () => {
  await signedInUntil(now - 60_000);
  await Promise.all(Array.from({ length: 8 }, () => ensureFreshSignIn(signIn(now + 3_600_000))));
  expect(renewals).toBe(1);
  expect(await tokenEnd(join(dir, 'auth.json'))).toBe(now + 3_600_000);
});

test('a token that nears its end is renewed before it ends', async () => {
  await signedInUntil(now + marginMs - 1_000);
  await ensureFreshSignIn(signIn(now + 3_600_000));
  expect(renewals).toBe(1);
});

test('a token with enough life left, an API key, or no sign-in is left alone', async () => {
  await signedInUntil(now + marginMs + 1_000);
  await ensureFreshSignIn(signIn(now));
  await writeFile(join(dir, 'auth.json'), JSON.stringify({ OPENAI_API_KEY: 'k', tokens: null }));
  await ensureFreshSignIn(signIn(now));
  await rm(join(dir, 'auth.json'));
  await ensureFreshSignIn(signIn(now));
  expect(renewals).toBe(0);
});

test('a sign-in that cannot be renewed is refused with the fix', async () => {
  await signedInUntil(now - 60_000);
  await expect(ensureFreshSignIn(signIn(now - 60_000))).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    next: 'Run `codex login`, then call again.',
  });
});

test('a lock whose holder died is taken over', async () => {
  await signedInUntil(now - 60_000);
  await writeFile(join(dir, 'account.lock'), JSON.stringify({ pid: process.pid, start: 'another start' }));
  await ensureFreshSignIn(signIn(now + 3_600_000));
  expect(renewals).toBe(1);
});
