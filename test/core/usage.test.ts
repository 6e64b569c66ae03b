import { expect, test } from 'vitest';
import { addUsage } from '../../core/usage.ts';

const one = { calls: 1, input_tokens: 10, cached_input_tokens: 4, output_tokens: 3, reasoning_tokens: 2 };

test('tokens of calls are added, field by field', () => {
  expect(addUsage(undefined, one)).toEqual(one);
  expect(addUsage(one, { ...one, output_tokens: 7 })).toEqual({
    calls: 2,
    input_tokens: 20,
    cached_input_tokens: 8,
    output_tokens: 10,
    reasoning_tokens: 4,
  });
});
