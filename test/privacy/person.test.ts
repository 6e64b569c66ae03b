import { expect, test } from 'vitest';
import { marked } from './marked.ts';

test.each([
  ['Author: Jane Doe <jane@doe.org>', 'Author: [PERSON Jane Doe] <jane@doe.org>'],
  ['    Signed-off-by: José Núñez <j@x.es>', '    Signed-off-by: [PERSON José Núñez] <j@x.es>'],
  [
    'author Xiomara van der Teague <x@y.org> 1700000000 +0100',
    'author [PERSON Xiomara van der Teague] <x@y.org> 1700000000 +0100',
  ],
  [
    'To: "Kimberly O\'Brien" <k@x.com>, Rhys Llewellyn <r@x.com>',
    'To: "[PERSON Kimberly O\'Brien]" <k@x.com>, [PERSON Rhys Llewellyn] <r@x.com>',
  ],
  ['jane@doe.org (Jane Doe)', 'jane@doe.org ([PERSON Jane Doe])'],
  [
    '"first_name": "xiomara", "lastName":"Teague"',
    '"first_name": "[PERSON xiomara]", "lastName":"[PERSON Teague]"',
  ],
  ['full_name="Øystein Ødegård" id=4', 'full_name="[PERSON Øystein Ødegård]" id=4'],
  ['<full_name>Noa Haddad</full_name>', '<full_name>[PERSON Noa Haddad]</full_name>'],
  ['  contact_name: Xiuying Ouyang', '  contact_name: [PERSON Xiuying Ouyang]'],
  ['"name": "Maria Teague"', '"name": "[PERSON Maria Teague]"'],
  ['"full_name":"Ren\\u00e9 M\\u00fcller"', '"full_name":"[PERSON René Müller]"'],
  ['Dear Jane,', 'Dear [PERSON Jane],'],
  ['I met Peter Whitlock there', 'I met [PERSON Peter Whitlock] there'],
  ['ask Dr. Teague', 'ask Dr. [PERSON Teague]'],
  [
    'id,first_name,last_name,x\n1,Íñigo,Teague,2\n2,"Wu, Mei",Li,3\n\nfirst',
    'id,first_name,last_name,x\n1,[PERSON Íñigo],[PERSON Teague],2\n2,"[PERSON Wu, Mei]",[PERSON Li],3\n\nfirst',
  ],
])('a name is found: %s', (text, expected) => {
  expect(marked(text, ['PERSON'])).toBe(expected);
});

test.each([
  '"name": "lodash"',
  '"name": "Visual Studio Code"',
  'name: Build and Test',
  '"name": "San Francisco"',
  'first_name: string',
  'user=system owner: platform-team',
  'took 12 ms. You can go',
  'Internal Server Error',
  'Apache License Version',
  'const { first_name, last_name, email } = row;',
])('no name: %s', (text) => {
  expect(marked(text, ['PERSON'])).toBe(text);
});

test('values that their owner named are found in any case, over blanks, and only as whole words', () => {
  const known = [{ type: 'PERSON', value: 'Zed Quux' } as const, { type: 'HOST', value: 'moon-7' } as const];
  expect(marked('ZED  quux on moon-7, zed quuxes, moon-77', [], known)).toBe(
    '[PERSON Zed Quux] on [HOST moon-7], zed quuxes, moon-77',
  );
});
