import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { restore } from '../../../core/privacy/restore.ts';
import { correlatingPart, makeSurrogate } from '../../../core/privacy/surrogate.ts';
import {
  createSurrogateGuard,
  type Replaced,
  type SurrogateGuard,
} from '../../../core/privacy/surrogate-guard.ts';
import { surrogateTypes, type SurrogateType } from '../../../schemas/privacy.ts';

const macOf = (key: string) => (message: string) => createHmac('sha256', key).update(message).digest();
const mac = macOf('a task');
const invented = 'q7rw2kx9tm4vz8hb1n';

/** A guard, and what its scope's vault then knows. */
function guardOf(): { guard: SurrogateGuard; vault: Map<string, Buffer>; types: Set<SurrogateType> } {
  const vault = new Map<string, Buffer>();
  const types = new Set<SurrogateType>();
  const onNew = ({ surrogate, type, raw }: Replaced): void => {
    vault.set(surrogate, Buffer.from(raw));
    types.add(type);
  };
  const guard = createSurrogateGuard({
    mac,
    types: ['EMAIL', 'PHONE', 'PERSON', 'SECRET'],
    knownValues: [],
    onNew,
  });
  return { guard, vault, types };
}

function restored(text: string, vault: Map<string, Buffer>): string {
  const look = (surrogate: string): string | undefined => vault.get(surrogate)?.toString();
  return restore(text, { mac, allows: () => true, look }).text;
}

test.each(surrogateTypes)(
  'an invented surrogate of type %s is escaped, and comes back as it was written',
  (type) => {
    for (const written of [`${type}_${invented}`, `${type.toLowerCase()}_${invented.toUpperCase()}`]) {
      const { guard, vault, types } = guardOf();
      const text = `see ${written}, and <${written}>\n`;
      const out = guard.text(text);
      expect(out).not.toContain(written);
      expect(out).toMatch(/^see TEXT_[0-9a-z]{18}, and <TEXT_[0-9a-z]{18}>\n$/);
      expect([...types]).toEqual(['TEXT']);
      expect(restored(out, vault)).toBe(text);
    }
  },
);

test("a genuine surrogate of another task is text here: nobody's value can be asked for by its name", () => {
  const foreign = makeSurrogate(macOf('another task'), 'EMAIL', 'jane@example.com', 'jane@example.com');
  const { guard, vault } = guardOf();
  const out = guard.text(`mail ${foreign}`);
  expect(out).toMatch(/^mail TEXT_/);
  expect(restored(out, vault)).toBe(`mail ${foreign}`);
});

test('a genuine surrogate of the task stays what it is, in every hop', () => {
  const { guard, vault } = guardOf();
  const once = guard.text('mail jane@example.com');
  expect(guard.text(guard.text(once))).toBe(once);
  expect([...vault.keys()]).toHaveLength(1);
});

test('the same in a stream, however it is cut', () => {
  const text = `a EMAIL_${invented} b jane@example.com c TEXT_${invented}\n`;
  const whole = guardOf().guard.text(text);
  for (let cut = 1; cut < text.length; cut += 1) {
    const stream = guardOf().guard.stream();
    const parts = [Buffer.from(text.slice(0, cut)), Buffer.from(text.slice(cut))].map((part) =>
      Buffer.from(stream.transform(part)),
    );
    expect(Buffer.concat([...parts, stream.flush()]).toString()).toBe(whole);
  }
});

test('spellings of one value share what correlates, and each comes back to the byte', () => {
  const spellings = [
    'jane.doe@example.com',
    'jane.doe@EXAMPLE.com',
    'jane.doe%40example.com',
    'jane.doe\\u0040example.com',
    'jane.doe&#64;example.com',
    'jane.doe=40example.com',
  ];
  const { guard, vault } = guardOf();
  const text = spellings.map((one) => `to <${one}> ok\n`).join('');
  const out = guard.text(text);
  const made = out.match(/EMAIL_[0-9a-z]{18}/g) ?? [];
  expect(new Set(made).size).toBe(spellings.length);
  expect(new Set(made.map(correlatingPart)).size).toBe(1);
  expect(restored(out, vault)).toBe(text);
});
