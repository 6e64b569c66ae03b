import { describe, expect, it } from 'vitest';
import { createPreviewSampler, estimateTokens, renderPreview, shrinkPreview } from '../../core/preview.ts';

const repeated = (at: number) =>
  `2026-08-01 12:00:${String(at % 60)} GET /items/${String(at)} 200 ${String(at % 97)} ms`;

function previewOf(lines: readonly string[], chunkBytes = 65_536): string {
  const sampler = createPreviewSampler();
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  for (let at = 0; at < bytes.length; at += chunkBytes) sampler.push(bytes.subarray(at, at + chunkBytes));
  const stream = { stream: 'stdout', stage: 'work', bytes: bytes.length, lines: lines.length };
  return renderPreview([{ ...stream, sample: sampler.sample() }], 2_000);
}

const odd = 'the cache was emptied by hand';
const shownOdd = new RegExp(`^12346: \\[the only one like this\\] ${odd}$`, 'm');

function planted(line = odd): string[] {
  const lines = Array.from({ length: 100_000 }, (_, at) => repeated(at));
  lines[12_345] = line;
  return lines;
}

describe('a line like no other in an output that repeats itself', () => {
  it('is shown with its number among 100,000 others, however the output came', () => {
    const whole = previewOf(planted());
    expect(whole).toMatch(shownOdd);
    expect(previewOf(planted(), 4_099)).toBe(whole);
    const small = shrinkPreview(whole, 700);
    expect(small).toMatch(shownOdd);
    expect(estimateTokens(small)).toBeLessThanOrEqual(700);
    expect(shrinkPreview(small, 300)).toMatch(shownOdd);
  });

  it('is shown beside errors, and after them', () => {
    const lines = planted();
    for (let at = 0; at < 4_000; at += 1) lines[20_000 + at] = `error: request ${String(at)} failed`;
    const preview = shrinkPreview(previewOf(lines), 300);
    expect(preview).toMatch(shownOdd);
    expect(preview).toContain('error: request 0 failed');
  });

  it('is made harmless like every other', () => {
    const preview = previewOf(planted('over\u202ethere \u001b[31mred\u001b[0m\u200b'));
    expect(preview).toContain('12346: [the only one like this] over<U+202E>there red\n');
  });

  it('is none where lines differ anyway, or where many do', () => {
    const word = (at: number) => at.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '');
    const prose = Array.from({ length: 20_000 }, (_, at) => `${word(at)} ${word(at * 7)} and so on and on`);
    expect(previewOf(prose)).not.toContain('like this');
    const many = planted();
    for (let at = 0; at < 40; at += 1) many[5_000 + at * 100] = `${word(at + 900)} happened`;
    expect(previewOf(many)).not.toContain('like this');
  });
});
