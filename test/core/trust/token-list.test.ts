import { expect, it } from 'vitest';
import { allows, highest } from '../../../core/trust/scopes.ts';
import { addToken, revokeToken, rotateToken, withDefault } from '../../../core/trust/token-list.ts';

const hash = (letter: string): string => letter.repeat(64);
const one = addToken([], {
  id: 'jane',
  owner: 'jane',
  scope: 'run',
  sha256: hash('a'),
  now: 1,
  expires_at: 50,
});

it('lets no token outlive its own end by being rotated, and forgets all of a name at once', () => {
  const rotated = rotateToken(one, 'jane', hash('b'), 2) ?? [];
  expect(rotated.map(({ id, expires_at: end }) => [id, end])).toEqual([
    ['jane.old-aaaaaaaa', 50],
    ['jane', 50],
  ]);
  expect(revokeToken(rotated, 'jane')).toEqual([]);
  expect(revokeToken(rotated, 'jane.old-aaaaaaaa')).toHaveLength(1);
  expect([revokeToken(rotated, 'joe'), rotateToken(rotated, 'joe', hash('c'), 2)]).toEqual([
    undefined,
    undefined,
  ]);
});

it('goes by the secret in the state folder', () => {
  const first = withDefault(one, hash('d'), 3);
  expect(first.map(({ id, scope }) => [id, scope])).toEqual([
    ['jane', 'run'],
    ['default', 'run'],
  ]);
  expect(withDefault(first, hash('d'), 4)).toEqual(first);
  expect(withDefault(first, hash('e'), 5).filter(({ id }) => id === 'default')).toMatchObject([
    { sha256: hash('e') },
  ]);
});

it('ranks scopes', () => {
  expect([
    allows('admin', 'run'),
    allows('run', 'read'),
    allows('read', 'run'),
    allows('run', 'admin'),
  ]).toEqual([true, true, false, false]);
  expect([highest([]), highest(['run', 'read']), highest(['read', 'admin', 'run'])]).toEqual([
    'read',
    'run',
    'admin',
  ]);
});
