import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { restore } from '../../../core/privacy/restore.ts';
import {
  correlatingPart,
  isGenuine,
  makeSurrogate,
  alphabet,
  bodyLength,
} from '../../../core/privacy/surrogate.ts';
import { surrogateTypes, type SurrogateType } from '../../../schemas/privacy.ts';

const macOf = (key: string) => (message: string) => createHmac('sha256', key).update(message).digest();
const mac = macOf('a task');

function bodyOf(surrogate: string): string {
  return surrogate.slice(-bodyLength);
}

/** Small and the same at every run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('a surrogate', () => {
  it('is the same for the same value of a scope, and another in another', () => {
    const once = makeSurrogate(mac, 'EMAIL', 'jane@example.com', 'jane@example.com');
    expect(once).toMatch(/^EMAIL_[0-9a-hjkmnp-tv-z]{18}$/);
    expect(makeSurrogate(mac, 'EMAIL', 'jane@example.com', 'jane@example.com')).toBe(once);
    expect(makeSurrogate(macOf('another'), 'EMAIL', 'jane@example.com', 'jane@example.com')).not.toBe(once);
    expect(makeSurrogate(mac, 'PERSON', 'jane@example.com', 'jane@example.com').slice(7)).not.toBe(
      once.slice(6),
    );
  });

  it('shares with another spelling of its value what correlates, and nothing else', () => {
    const spellings = ['Jane@Example.com', 'jane\\u0040example.com', 'JANE@EXAMPLE.COM', 'jane@example.com'];
    const made = spellings.map((raw) => makeSurrogate(mac, 'EMAIL', 'jane@example.com', raw));
    expect(new Set(made.map(correlatingPart)).size).toBe(1);
    expect(new Set(made).size).toBe(spellings.length);
  });

  it('does not collide among many values', () => {
    const made = new Set<string>();
    for (let n = 0; n < 50_000; n++)
      made.add(correlatingPart(makeSurrogate(mac, 'PHONE', `+49${String(n)}`, '')));
    expect(made.size).toBe(50_000);
  });

  it('is told from every text that differs from it in one character, or in its type', () => {
    const surrogate = makeSurrogate(mac, 'EMAIL', 'jane@example.com', 'jane@example.com');
    const body = bodyOf(surrogate);
    expect(isGenuine(mac, 'EMAIL', body)).toBe(true);
    expect(isGenuine(macOf('another'), 'EMAIL', body)).toBe(false);
    expect(isGenuine(mac, 'PERSON', body)).toBe(false);
    for (let at = 0; at < body.length; at++) {
      for (const letter of alphabet) {
        const mangled = body.slice(0, at) + letter + body.slice(at + 1);
        expect(isGenuine(mac, 'EMAIL', mangled)).toBe(mangled === body);
      }
    }
    expect(isGenuine(mac, 'EMAIL', body.slice(1))).toBe(false);
  });
});

type Transformation = (surrogate: string) => string;

/** What becomes of text on its way through models, renderers, shells and mail. */
const transformations: Record<string, Transformation> = {
  'as it is': (text) => text,
  'in angle brackets': (text) => `<${text}>`,
  'upper case': (text) => text.toUpperCase(),
  'lower case': (text) => text.toLowerCase(),
  'title case': (text) => text.charAt(0) + text.slice(1).toLowerCase(),
  'Markdown with its underscore escaped': (text) => text.replace('_', '\\_'),
  'Markdown bold': (text) => `**${text}**`,
  'Markdown italic': (text) => `_${text}_`,
  'Markdown code': (text) => `\`${text}\``,
  'a Markdown link': (text) => `[${text}](mailto:${text})`,
  'a Markdown table': (text) => `| ${text} | x |`,
  'a quoted reply': (text) => `> ${text}`,
  JSON: (text) => JSON.stringify({ value: text }),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify({ value: text })),
  'JSON with its underscore escaped': (text) => JSON.stringify(text).replace('_', '\\u005f'),
  HTML: (text) => `<td>&lt;${text}&gt;</td>`,
  'HTML with its underscore as an entity': (text) => text.replace('_', '&#95;'),
  'HTML with its underscore by name': (text) => text.replace('_', '&lowbar;'),
  'a URL': (text) => `https://example.com/?to=${encodeURIComponent(text)}&x=1`,
  'a URL with its underscore escaped': (text) => text.replace('_', '%5F'),
  'shell quotes': (text) => `'${text}'`,
  'shell quotes in shell quotes': (text) => `'it'\\''s '\\''${text}'\\'''`,
  CSV: (text) => `1,"${text}","x"`,
  'an environment variable': (text) => `AUTHOR=${text}`,
  'a git header': (text) => `Author: ${text} <x>`,
  'kebab case': (text) => text.toLowerCase().replace('_', '-'),
  'its underscore as a blank': (text) => text.replace('_', ' '),
  'its underscore left out': (text) => text.replace('_', ''),
  'wrapped in the middle': (text) => `${text.slice(0, 15)}\n${text.slice(15)}`,
  'wrapped inside its type': (text) => `${text.slice(0, 2)}\n${text.slice(2)}`,
  'wrapped in a quoted reply': (text) => `${text.slice(0, 12)}\r\n> ${text.slice(12)}`,
  'wrapped every 13 columns': (text) => text.replace(/.{13}/g, '$&\n'),
  'wrapped with a hanging indent': (text) => `${text.slice(0, 9)}\n        ${text.slice(9)}`,
  'a line break escaped in it': (text) => `${text.slice(0, 14)}\\n${text.slice(14)}`,
  'quoted-printable': (text) => `${text.slice(0, 11)}=\r\n${text.slice(11)}`,
  'a colour in it': (text) => `${text.slice(0, 8)}\u001b[31m${text.slice(8)}\u001b[0m`,
  'a zero-width space in it': (text) => `${text.slice(0, 10)}\u200b${text.slice(10)}`,
  'soft hyphens in it': (text) => text.replace(/.{6}/g, '$&\u00ad'),
  'part of a path': (text) => `/home/${text}/notes.txt`,
  'part of a name': (text) => `report-for-${text}-v2`,
  'letters before and after it': (text) => `x${text}y`,
  'a string joined in code': (text) => `"${text.slice(0, 9)}" "${text.slice(9)}"`,
};

describe('a surrogate is found again', () => {
  const values = surrogateTypes.flatMap((type) =>
    Array.from({ length: 12 }, (_, n) => ({ type, value: `${type.toLowerCase()} number ${String(n)}` })),
  );
  const known = new Map(values.map(({ type, value }) => [makeSurrogate(mac, type, value, value), value]));
  const restoring = { mac, allows: () => true, look: (surrogate: string) => known.get(surrogate) };

  it.each(Object.entries(transformations))('through: %s', (_name, transform) => {
    for (const [surrogate, value] of known) {
      const { text, unknown } = restore(`begin ${transform(surrogate)} end`, restoring);
      expect(text).toContain(value);
      expect(text).not.toContain(bodyOf(surrogate));
      expect(unknown).toBe(0);
    }
  });

  it('through more than 25 of them', () => {
    expect(Object.keys(transformations).length).toBeGreaterThanOrEqual(25);
  });

  it('beside others', () => {
    const all = [...known.keys()];
    for (const glue of ['', ',', ' ', '\n', '"', '_', '/']) {
      expect(restore(all.join(glue), restoring).text).toBe([...known.values()].join(glue));
    }
  });
});

describe('nothing is guessed', () => {
  const value = 'jane@example.com';
  const surrogate = makeSurrogate(mac, 'EMAIL', value, value);
  const look = (asked: string): string | undefined => (asked === surrogate ? value : undefined);
  const all = { mac, allows: () => true, look };

  it.each<[string, string]>([
    ['cut short', surrogate.slice(0, -1)],
    ['one character changed', `${surrogate.slice(0, -1)}${surrogate.endsWith('0') ? '1' : '0'}`],
    ['two characters exchanged', swapped(surrogate)],
    ['another type', surrogate.replace('EMAIL', 'PHONE')],
    ['another character in the middle', `${surrogate.slice(0, 12)}u${surrogate.slice(12)}`],
  ])('%s', (_name, mangled) => {
    expect(restore(`x ${mangled} y`, all)).toMatchObject({ text: `x ${mangled} y`, restored: {} });
  });

  it('of 100,000 random texts of the right shape none is restored', () => {
    const random = randomOf(7);
    const types: readonly SurrogateType[] = surrogateTypes;
    let restored = 0;
    let unknown = 0;
    for (let n = 0; n < 100_000; n++) {
      let body = '';
      while (body.length < bodyLength) body += alphabet.charAt(Math.floor(random() * 32));
      const type = types[n % types.length] ?? 'EMAIL';
      // The strictest vault there can be: it knows every surrogate it is asked for.
      const result = restore(`${type}_${body}`, { mac, allows: () => true, look: () => 'x' });
      restored += result.text === 'x' ? 1 : 0;
      unknown += result.unknown;
    }
    expect({ restored, unknown }).toEqual({ restored: 0, unknown: 100_000 });
  });

  it('what may not be put back stays, and is counted', () => {
    const held = restore(`to ${surrogate}`, { ...all, allows: (type) => type !== 'EMAIL' });
    expect(held).toEqual({ text: `to ${surrogate}`, restored: {}, withheld: { EMAIL: 1 }, unknown: 0 });
  });

  it('a genuine one that nobody knows any more is reported', () => {
    const other = makeSurrogate(mac, 'EMAIL', 'gone@example.com', 'gone@example.com');
    expect(restore(`to ${other}`, all)).toEqual({
      text: `to ${other}`,
      restored: {},
      withheld: {},
      unknown: 1,
    });
  });

  it('text without one comes out as it is', () => {
    const text = 'Email addresses, phone numbers, ip routes: persons of secret hosts. EMAIL_ PHONE_123';
    expect(restore(text, all)).toEqual({ text, restored: {}, withheld: {}, unknown: 0 });
  });
});

function swapped(text: string): string {
  for (let at = text.length - 2; at > 6; at--) {
    if (text.charAt(at) !== text.charAt(at + 1)) {
      return text.slice(0, at) + text.charAt(at + 1) + text.charAt(at) + text.slice(at + 2);
    }
  }
  return text;
}
