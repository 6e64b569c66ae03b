import { expect, it } from 'vitest';
import { openKeySource } from '../../../platform/trust/key-set.ts';
import { authorizationServer, signingKey } from '../../coordinator/trust/authorization-server.ts';

const minuteMs = 60_000;

async function source(timeoutMs = 5_000) {
  const server = await authorizationServer();
  const failed: unknown[] = [];
  let nowMs = 0;
  const keys = openKeySource({
    place: `${server.issuer}/jwks`,
    now: () => nowMs,
    onFailed: (error) => failed.push(error),
    timeoutMs,
  });
  const kids = (set: Awaited<ReturnType<typeof keys.current>>) => set?.keys.map(({ kid }) => kid);
  return {
    server,
    failed,
    current: async () => kids(await keys.current()),
    another: async () => kids(await keys.another()),
    pass: (ms: number) => (nowMs += ms),
  };
}

it('asks for the keys once, again after ten minutes, and for an unknown one at most every half minute', async () => {
  const { server, current, another, pass } = await source();
  expect(await Promise.all([current(), current(), current()])).toEqual([['first'], ['first'], ['first']]);
  expect(server.jwksAsked).toBe(1);
  server.keys = [signingKey('second')];
  await Promise.all(Array.from({ length: 20 }, another));
  expect([await current(), server.jwksAsked]).toEqual([['first'], 1]);
  pass(30_000);
  expect(await Promise.all([another(), another()])).toEqual([['second'], ['second']]);
  await Promise.all(Array.from({ length: 20 }, another));
  expect(server.jwksAsked).toBe(2);
  server.keys = [];
  pass(10 * minuteMs);
  expect([await current(), server.jwksAsked]).toEqual([[], 3]);
});

it('goes on with what it has while the place does not answer, but not for more than an hour', async () => {
  const { server, failed, current, another, pass } = await source();
  await current();
  server.jwks = 'fails';
  pass(30 * minuteMs);
  expect([await current(), await another()]).toEqual([['first'], ['first']]);
  expect([server.jwksAsked, failed.length]).toEqual([2, 1]);
  pass(30 * minuteMs);
  expect(await current()).toBeUndefined();
  server.jwks = 'answers';
  pass(30_000);
  expect(await current()).toEqual(['first']);
});

it('does not wait for a place that says nothing', async () => {
  const { server, failed, current } = await source(50);
  server.jwks = 'hangs';
  expect([await current(), failed.length]).toEqual([undefined, 1]);
});

it('has none where there never were any, and asks again soon', async () => {
  const { server, current, pass } = await source();
  server.jwks = 'redirects';
  expect(await current()).toBeUndefined();
  expect(await current()).toBeUndefined();
  expect(server.jwksAsked).toBe(1);
  server.jwks = 'answers';
  pass(2_000);
  expect(await current()).toEqual(['first']);
});
