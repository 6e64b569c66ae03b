import { describe, expect, test } from 'vitest';
import { createGuard } from '../../core/privacy/guard.ts';
import type { Replace } from '../../core/privacy/finding.ts';
import { createRandom, type Random } from '../../scripts/bench/privacy/random.ts';
import { Writer, type Labelled } from '../../scripts/bench/privacy/labelled.ts';
import { scenes } from '../../scripts/bench/privacy/texts.ts';

const splittings = 500;
const replace: Replace = ({ type, value }) => `<${type}:${Buffer.from(value).toString('hex').slice(0, 12)}>`;

function guarded(bytes: Uint8Array, chunks: (left: number) => number): Buffer {
  const guard = createGuard({ replace });
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = Math.max(1, chunks(bytes.length - at));
    // A chunk's buffer is used again by whoever gave it.
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    out.push(Buffer.from(guard.transform(chunk)));
    chunk.fill(0x23);
    at += size;
  }
  out.push(Buffer.from(guard.flush()));
  return Buffer.concat(out);
}

function sizes(random: Random): (left: number) => number {
  const most = random.pick([1, 3, 17, 200, 4_000]);
  return () => random.int(1, most);
}

/** How many of the values that a text is labelled with still stand in what came out. Names in prose are best effort. */
function leaksOf(out: string, written: string, labels: Labelled['labels']): number {
  return labels.filter(({ type, start, end }) => {
    const value = written.slice(start, end);
    return type !== 'PROSE' && value.length > 6 && out.includes(value);
  }).length;
}

describe.each(Object.keys(scenes))('%s', (kind) => {
  test(`comes out the same for ${splittings} ways of cutting it, and holds nothing private`, () => {
    const random = createRandom(77);
    let leaked = 0;
    let labelled = 0;
    for (let text = 0; text < 10; text += 1) {
      const writer = new Writer();
      while (writer.length < 1_500) scenes[kind]?.(random, writer);
      const { text: written, labels } = writer.done();
      const bytes = Buffer.from(written);
      const whole = guarded(bytes, (left) => left);
      for (let cut = 0; cut < splittings / 10; cut += 1)
        expect(guarded(bytes, sizes(random)).equals(whole)).toBe(true);
      leaked += leaksOf(whole.toString(), written, labels);
      labelled += labels.length;
    }
    expect(leaked, `of ${labelled}`).toBe(0);
  });
});

test('lines that come twice are read twice', () => {
  const random = createRandom(3);
  for (const scene of Object.values(scenes)) {
    for (let text = 0; text < 20; text += 1) {
      const writer = new Writer();
      scene(random, writer);
      const written = Buffer.from(`${writer.done().text}\n`);
      const once = guarded(written, (left) => left);
      const twice = guarded(Buffer.concat([written, written]), (left) => left);
      expect(twice.toString()).toBe(once.toString().repeat(2));
    }
  }
});

test('long lines are read in windows that lie the same for every way of cutting', () => {
  const random = createRandom(5);
  const parts: string[] = [];
  for (let at = 0; at < 9_000; at += 1)
    parts.push(
      random.chance(0.02)
        ? `mail${at}.box@example.com`
        : random.string('abcdefghij0123456789', random.int(3, 40)),
    );
  for (const separator of [' ', '|']) {
    const bytes = Buffer.from(`${parts.join(separator)}\nshort line x@example.org\n`);
    const whole = guarded(bytes, (left) => left);
    expect(whole.includes('@')).toBe(false);
    for (const size of [1_000, 65_535, 65_536, 65_537, 70_001])
      expect(guarded(bytes, () => size).equals(whole)).toBe(true);
  }
});

test('an address right where a window ends is found', () => {
  for (let before = 61_300; before < 61_600; before += 7) {
    const text = `${'y'.repeat(before)} jane.doe@example.com ${'z'.repeat(80_000)} q@example.org`;
    expect(guarded(Buffer.from(text), () => 9_999).toString()).not.toContain('@');
  }
  for (let before = 65_400; before < 65_560; before += 3) {
    const text = `${'y '.repeat(before / 2)}jane.doe@example.com ${'z '.repeat(40_000)}`;
    expect(guarded(Buffer.from(text), () => 9_999).toString()).not.toContain('@');
  }
});

test('what is held back is bounded, and bytes of no text pass unchanged', () => {
  const random = createRandom(9);
  const bytes = Buffer.from(Array.from({ length: 400_000 }, () => random.int(0, 255)));
  const guard = createGuard({ replace: ({ raw, latin1 }) => (latin1 ? '' : raw) });
  let held = 0;
  let most = 0;
  for (let at = 0; at < bytes.length; at += 777) {
    const chunk = bytes.subarray(at, at + 777);
    held += chunk.length - guard.transform(chunk).length;
    most = Math.max(most, held);
  }
  expect(most).toBeLessThan(128 * 1024);
  const noText = Buffer.from(bytes.map((byte) => byte | 0x80));
  expect(guarded(noText, () => 5_000).equals(noText)).toBe(true);
});

test('a key between marks is held until its end, but not for ever', () => {
  const guard = createGuard({ replace: () => '<key>' });
  const begin = '-----BEGIN PRIVATE KEY-----\n';
  expect(guard.transform(Buffer.from(`${begin}QUJD\n`)).length).toBe(0);
  expect(
    Buffer.from(guard.transform(Buffer.from('QUJE\n-----END PRIVATE KEY-----\nrest\n'))).toString(),
  ).toBe('<key>\nrest\n');
  let out = 0;
  guard.transform(Buffer.from(begin));
  for (let line = 0; line < 2_000; line += 1)
    out += guard.transform(Buffer.from(`${'QUJD'.repeat(16)}\n`)).length;
  expect(out).toBeGreaterThan(0);
});
