import { expect, test } from 'vitest';
import { marked } from './marked.ts';

test.each([
  ['call (415) 555-2671 ok', 'call [PHONE +14155552671] ok'],
  ['ring 415-555-2671', 'ring [PHONE +14155552671]'],
  ['+49 151 23456789', '[PHONE +4915123456789]'],
  ['+49 (0)89 13484370', '[PHONE +498913484370]'],
  ['tel:+33612345678', 'tel:[PHONE +33612345678]'],
  ['0044 20 7946 0958', '[PHONE +442079460958]'],
  ['06 12 34 56 78', '[PHONE 0612345678]'],
  ['phone: 138 1234 5487', 'phone: [PHONE 13812345487]'],
  ['"mobile":"5551234567"', '"mobile":"[PHONE 5551234567]"'],
  ['Tel. 030/1234567', 'Tel. [PHONE 0301234567]'],
  ['2026-01-02 03:04:05 +1 212 555 0143 dialled', '2026-01-02 03:04:05 [PHONE +12125550143] dialled'],
  [
    '+1 212 555 0143 +1 212 555 0144 +1 212 555 0145',
    '[PHONE +12125550143] [PHONE +12125550144] [PHONE +12125550145]',
  ],
])('a number is found: %s', (text, expected) => {
  expect(marked(text, ['PHONE'])).toBe(expected);
});

test.each([
  '2024-01-02 03:04:05',
  '02.01.2024 12.30',
  '192.168.100.200',
  '1.22.333.4444',
  '5f3c1a2b-1234-4c1d-9e2f-001122334455',
  'ISBN 978-0-134-92189-2',
  'at 1700000000000 ms',
  'order #0123456789',
  '+0200',
  '1,234,567,890 bytes',
  'port 8080-8090, 100 200 3000',
  'contact_id: 12345678',
  '415 555 2671',
])('no number: %s', (text) => {
  expect(marked(text, ['PHONE'])).toBe(text);
});

test('the same line twice in a row', () => {
  const line = 'Mobile: +49 151 23456789\n';
  expect(marked(line + line)).toBe('Mobile: [PHONE +4915123456789]\n'.repeat(2));
});
