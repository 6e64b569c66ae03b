import { expect, test } from 'vitest';
import type { Finding } from '../../core/privacy/finding.ts';
import { createGuard, findingsIn, guardJson } from '../../core/privacy/guard.ts';
import { createRandom } from '../../scripts/bench/privacy/random.ts';
import { marked } from './marked.ts';

const address = 'jane.doe@example.com';

const forms: readonly (readonly [encoding: string, written: string])[] = [
  ['json', 'jane.doe\\u0040example.com'],
  ['json', 'jane.doe\\\\\\u0040example.com'],
  ['json', '\\u006aane.doe@example.com'],
  ['json', 'jane.doe\uff20example.com'],
  ['url', 'jane.doe%40example.com'],
  ['url', 'jane.doe%2525252540example.com'],
  ['html', 'jane.doe&#64;example.com'],
  ['html', 'jane.doe&amp;amp;#x40;example.com'],
  ['quoted_printable', 'jane.doe=40example.com'],
  ['quoted_printable', 'jane.doe@exam=\r\nple.com'],
  ['quoted_printable', 'jane.d=\noe@example.com'],
  ['wrapped', 'jane.doe@exam\nple.com'],
  ['wrapped', 'jane.doe@exam\\\nple.com'],
  ['ansi', 'jane\u001b[1m.doe\u001b[0m@example.com'],
  ['ansi', 'jane.doe\u200b@example.com'],
  ['mixed', 'jane%2Edoe\\u0040example.com'],
];

test.each(forms)('%s: %j is the address', (encoding, written) => {
  const [found, ...more] = findingsIn(`x <${written}> y\n`, { types: ['EMAIL'] });
  expect(more).toEqual([]);
  expect(found).toMatchObject({ value: address, raw: written, encoding });
});

test('every form, and base64, comes out the same for 500 ways of cutting it', () => {
  const random = createRandom(11);
  const inBase64 = Buffer.from(`{"user":"x","email":"${address}"}`).toString('base64');
  for (const written of [...forms.map(([, form]) => form), inBase64]) {
    const bytes = Buffer.from(`before\nx <${written}> y\nafter\n`);
    const whole = cutUp(bytes, () => bytes.length);
    expect(whole).toContain('[EMAIL]');
    for (let way = 0; way < 500; way += 1) {
      const most = random.int(1, 20);
      expect(cutUp(bytes, () => random.int(1, most))).toBe(whole);
    }
  }
});

function cutUp(bytes: Buffer, size: () => number): string {
  const guard = createGuard({ types: ['EMAIL'], replace: ({ type }) => `[${type}]` });
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + size();
    out.push(Buffer.from(guard.transform(bytes.subarray(at, end))));
    at = end;
  }
  return Buffer.concat([...out, guard.flush()]).toString();
}

test('what is in base64 is taken as the groups of four characters that hold it', () => {
  const content = `{"user":"x","email":"${address}","n":1}`;
  for (let lead = 0; lead < 3; lead += 1) {
    const written = Buffer.from(' '.repeat(lead) + content).toString('base64');
    const [found] = findingsIn(`Basic64 ${written} y`, { types: ['EMAIL'] });
    expect(found).toMatchObject({ value: address, encoding: 'base64' });
    expect(Buffer.from(found?.raw ?? '', 'base64').toString()).toContain(address);
    expect(written).toContain(found?.raw);
  }
});

test('base64 over lines is read as one', () => {
  const content = `Dear all,\n${'words and more words. '.repeat(20)}\nwrite to ${address} please.\n`;
  const lines = Buffer.from(content).toString('base64').replace(/.{76}/g, '$&\r\n');
  const out = marked(`Content-Transfer-Encoding: base64\r\n\r\n${lines}\r\n\r\nend`, ['EMAIL']);
  expect(out).toContain(`[EMAIL ${address}]`);
  expect(out.endsWith('\r\n\r\nend')).toBe(true);
});

test('bytes that are not UTF-8 are kept, and what is found in them can be put back', () => {
  const bytes = Buffer.from('caf\xe9 Ren\xe9 <ren\xe9@example.com> \xff\n', 'latin1');
  const found: Finding[] = [];
  const guard = createGuard({
    types: ['EMAIL'],
    replace: (finding) => {
      found.push(finding);
      return '#';
    },
  });
  const out = Buffer.concat([guard.transform(bytes), guard.flush()]);
  expect(out.equals(Buffer.from('caf\xe9 Ren\xe9 <#> \xff\n', 'latin1'))).toBe(true);
  expect(found).toMatchObject([{ latin1: true, raw: 'ren\xe9@example.com' }]);
});

test('a JSON value is read with the names of its fields', () => {
  const value = {
    password: 'correct-horse',
    n: [{ phone: 4915123456789, name: 'x' }],
    'jane.doe@example.com': true,
  };
  expect(guardJson(value, { replace: ({ type }) => type })).toEqual({
    password: 'SECRET',
    n: [{ phone: 'PHONE', name: 'x' }],
    EMAIL: true,
  });
});

test('addresses of hosts and their names are taken where they are asked for', () => {
  const text =
    'from 10.1.2.3:80 and fe80::1:2 at https://db.example.com/x, host=web1.example.org v1.2.3.4.5 12:30:11';
  expect(marked(text, ['IP', 'HOST'])).toBe(
    'from [IP 10.1.2.3]:80 and [IP fe80::1:2] at https://[HOST db.example.com]/x, host=[HOST web1.example.org] v1.2.3.4.5 12:30:11',
  );
  expect(marked(text)).toBe(text);
});
