import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { estimateTokens } from '../../core/tokens.ts';

const numbers = (count: number) =>
  Array.from({ length: count }, (_, at) => (at * 2_654_435_761) % 4_294_967_296);
const hex = numbers(200)
  .map((number) => number.toString(16))
  .join('');

/** Each with the most the estimate may be above the real count. */
const samples: readonly (readonly [string, string, number])[] = [
  [
    'log lines',
    numbers(40)
      .map(
        (n) =>
          `2026-11-22T17:10:02.${n % 1000}Z worker-3 INFO id=${n.toString(16)} path=/api/v1/items/${n % 977} status=200`,
      )
      .join('\n'),
    1.4,
  ],
  [
    'paths',
    numbers(40)
      .map(
        (n) =>
          `12: /home/jane/src/project/packages/core/src/util_${n % 99}/deepEqualHelper.test.ts:${n % 300}:14`,
      )
      .join('\n'),
    1.6,
  ],
  ['prose', 'The quick brown fox jumps over the lazy dog and then returns home for dinner. '.repeat(30), 2.2],
  [
    'compiler errors',
    numbers(30)
      .map(
        (n) =>
          `src/app${n % 7}.ts(${n % 400},9): error TS2322: Type 'string' is not assignable to type 'number'.`,
      )
      .join('\n'),
    1.7,
  ],
  ['hex', hex, 1.6],
  ['base64', Buffer.from(hex, 'hex').toString('base64'), 1.6],
  ['digits', numbers(300).join(''), 1.5],
  ['punctuation', '{"a":[1,2,{"b":null}],"c":"\\\\"},'.repeat(40), 2],
  ['Chinese', '错误：无法打开文件，因为权限不足。请检查配置并重试该操作。'.repeat(20), 3],
  ['Russian', 'Ошибка: не удалось открыть файл, проверьте права доступа. '.repeat(20), 4],
  ['emoji', '😀🚀🔥✅❌🧪'.repeat(40), 3],
];

describe('estimateTokens', () => {
  it.each(samples)(
    'is not below the tokenizer by more than a twentieth, nor far above: %s',
    (_, text, most) => {
      const ratio = estimateTokens(text) / countTokens(text);
      expect(ratio).toBeGreaterThan(0.95);
      expect(ratio).toBeLessThan(most);
    },
  );

  it('of parts is at least that of the whole', () => {
    const [, text] = samples[0] ?? ['', ''];
    const parts = text.split('\n').map((line) => estimateTokens(`${line}\n`));
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeGreaterThanOrEqual(estimateTokens(text));
  });
});
