import { expect, test } from 'vitest';
import { marked } from './marked.ts';

test.each([
  ['mail jane.doe@example.com now', 'mail [EMAIL jane.doe@example.com] now'],
  ['Author: Rachel Evans <git@example.org>', 'Author: Rachel Evans <[EMAIL git@example.org]>'],
  ['<Jane@Example.ORG>', '<[EMAIL Jane@example.org]>'],
  ['a@b.co,c@d.io;', '[EMAIL a@b.co],[EMAIL c@d.io];'],
  ['x+tag@mail1.firma.co.za.', '[EMAIL x+tag@mail1.firma.co.za].'],
  ['mailto:jane@example.com?subject=x', 'mailto:[EMAIL jane@example.com]?subject=x'],
  ["name='jane@example.com'", "name='[EMAIL jane@example.com]'"],
  ["b'jane@example.com'", "b'[EMAIL jane@example.com]'"],
  ["sean.o'brien@example.com", "[EMAIL sean.o'brien@example.com]"],
  ['hello\\njane@example.com\\n', 'hello\\n[EMAIL jane@example.com]\\n'],
  ['jörg@müller.de', '[EMAIL jörg@müller.de]'],
  ['seen at jane@example.com.Then it', 'seen at [EMAIL jane@example.com].Then it'],
  ['12345@163.com', '[EMAIL 12345@163.com]'],
  ['root@build.internal', '[EMAIL root@build.internal]'],
  ['jane@[192.0.2.7]', '[EMAIL jane@[192.0.2.7]]'],
])('an address is found: %s', (text, expected) => {
  expect(marked(text, ['EMAIL'])).toBe(expected);
});

test.each([
  'git@github.com:org/repo.git',
  '<git@github.com:org/repo.git>',
  'ssh://git@git.example.io:22/a/b.git',
  'lodash@4.17.21',
  '@scope/pkg@1.2.3-beta.dev',
  'uses: actions/checkout@v4.1.2',
  'image@sha256:0123456789abcdef',
  'icon@2x.png',
  'w = x@y.dot(z)',
  'return this@Outer.name',
  '@media (min-width: 3px)',
  '@Override.foo',
  'Message-ID: <CAF1234567890@mail.gmail.com>',
  'a@b',
  'user@host',
  '@ example.com',
])('no address: %s', (text) => {
  expect(marked(text, ['EMAIL'])).toBe(text);
});
