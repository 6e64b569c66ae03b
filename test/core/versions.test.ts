import { describe, expect, it } from 'vitest';
import { isNewer } from '../../core/versions.ts';

/** Each after the one before it; those of a pre-release as in Semantic Versioning 2.0.0, §11. */
const inOrder = [
  '0.9.9',
  '0.10.0',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '1.0.1',
  '1.2.0',
  '10.0.0',
];

describe('isNewer', () => {
  it('holds for every version and each before it, and for no other', () => {
    for (const [at, a] of inOrder.entries()) {
      for (const [other, b] of inOrder.entries()) expect([a, b, isNewer(a, b)]).toEqual([a, b, at > other]);
    }
  });

  it('does not look at what was built when', () => {
    expect([isNewer('1.0.0+2', '1.0.0+1'), isNewer('1.0.0', '1.0.0+1')]).toEqual([false, false]);
  });
});
