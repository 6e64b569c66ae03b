import { wrongUsage } from './command.ts';

/** A whole number given as an option, times `unit`; undefined where the option was not given. */
export function readInteger(
  command: string,
  name: string,
  value: string | undefined,
  range: { min: number; max: number; unit?: number },
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= range.min && number <= range.max) return number * (range.unit ?? 1);
  throw wrongUsage(command, `--${name} is a whole number from ${String(range.min)} to ${String(range.max)}`);
}
