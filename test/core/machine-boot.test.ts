import { expect, it } from 'vitest';
import { bootIdOf, machineWentDown } from '../../core/machine-boot.ts';

const [monday, tuesday] = ['7f3c19ab-0000-4000-8000-000000000000', '0badcafe-0000-4000-8000-000000000000'];

it('a machine went down where two lives of a worker name two boots of it', () => {
  expect(bootIdOf(monday, 'V1StGXR8Z5jd')).toBe('7f3c19ab.V1StGXR8Z5jd');
  expect(machineWentDown(bootIdOf(monday, 'a'), bootIdOf(tuesday, 'b'))).toBe(true);
  expect(machineWentDown(bootIdOf(monday, 'a'), bootIdOf(monday, 'b'))).toBe(false);
});

it('nothing is known of it where the boot of the machine is not', () => {
  expect(bootIdOf('', 'V1StGXR8Z5jd')).toBe('V1StGXR8Z5jd');
  expect(machineWentDown('V1StGXR8Z5jd', bootIdOf(monday, 'b'))).toBe(false);
  expect(machineWentDown(bootIdOf(monday, 'a'), '')).toBe(false);
});
