import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import metadata from 'libphonenumber-js/max/metadata';
import { expect, test } from 'vitest';
import { isNumberInside, kindOfNumber } from '../../core/privacy/detectors/phone-tables.ts';
import { createRandom, digits } from '../../scripts/bench/privacy/random.ts';

const random = createRandom(8);
const codes = Object.keys(metadata.country_calling_codes);
const most = ['1', '44', '49', '33', '39', '91', '55', '86'];

function byParser(number: string): 'valid' | 'possible' | 'none' {
  const parsed = parsePhoneNumberFromString(number);
  return parsed?.isValid() === true ? 'valid' : parsed?.isPossible() === true ? 'possible' : 'none';
}

test('of 4,000 numbers of all countries the tables say what the parser says, but for one in 200', () => {
  const counts = { valid: 0, possible: 0, none: 0, other: 0 };
  for (let n = 0; n < 4_000; n += 1) {
    const number = random.pick(random.chance(0.5) ? most : codes) + random.string(digits, random.int(6, 11));
    const kind = byParser(`+${number}`);
    if (kind === kindOfNumber(number)) counts[kind] += 1;
    else counts.other += 1;
  }
  expect(counts.other).toBeLessThanOrEqual(20);
  expect(Math.min(counts.valid, counts.possible, counts.none)).toBeGreaterThan(300);
});

test('the same for numbers as dialled inside a country', () => {
  const other = Array.from({ length: 1_000 }, () => {
    const [country, code] = random.pick([
      ['DE', '49'],
      ['GB', '44'],
      ['FR', '33'],
      ['IN', '91'],
    ] as const);
    const number = `0${random.int(1, 9)}${random.string(digits, random.int(7, 10))}`;
    return parsePhoneNumberFromString(number, country)?.isValid() === isNumberInside(number, code);
  }).filter((same) => !same);
  expect(other.length).toBeLessThanOrEqual(5);
});
