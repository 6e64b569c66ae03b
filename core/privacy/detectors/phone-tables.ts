import metadata from 'libphonenumber-js/max/metadata';

/**
 * What libphonenumber's tables (Google's, as libphonenumber-js carries them) say of a number. Read here
 * rather than through its parser, which makes its expressions anew for each number: twenty times the time.
 */
export type NumberKind = 'valid' | 'possible' | 'none';

/** One country's numbers, without the zero or other prefix that is dialled inside it. */
interface Plan {
  all: RegExp;
  lengths: ReadonlySet<number>;
  prefix: RegExp | undefined;
  /** Tells countries that share a code apart. */
  leading: RegExp | undefined;
  /** Of landlines, mobiles and so on; none where `all` says as much. */
  kinds: readonly { shape: RegExp; lengths: ReadonlySet<number> }[] | undefined;
}

/** Places in the rows of its tables, version 4. */
const at = { all: 2, lengths: 3, ownPrefix: 5, prefix: 7, leading: 10, kinds: 11 } as const;

const plans = new Map<string, readonly Plan[]>();

/** A number as dialled from abroad, without the plus. Possible: of a length that the country has. */
export function kindOfNumber(digits: string): NumberKind {
  for (let size = 1; size <= 3; size += 1) {
    const found = plansOf(digits.slice(0, size));
    if (found.length === 0) continue;
    const rest = digits.slice(size);
    if (found.some((plan) => isNumberOf(plan, rest) || isNumberOf(plan, withoutPrefix(plan, rest))))
      return 'valid';
    const [main] = found;
    return main?.lengths.has(withoutPrefix(main, rest).length) === true ||
      main?.lengths.has(rest.length) === true
      ? 'possible'
      : 'none';
  }
  return 'none';
}

/** A number as dialled inside the country of a code: its prefix first. */
export function isNumberInside(digits: string, code: string): boolean {
  return plansOf(code).some((plan) => isNumberOf(plan, withoutPrefix(plan, digits)));
}

function withoutPrefix({ prefix, all }: Plan, digits: string): string {
  const rest = prefix === undefined ? digits : digits.replace(prefix, '');
  return rest !== digits && all.test(digits) && !all.test(rest) ? digits : rest;
}

function isNumberOf({ all, leading, kinds }: Plan, digits: string): boolean {
  if (leading !== undefined && !leading.test(digits)) return false;
  if (!all.test(digits)) return false;
  return (
    kinds === undefined ||
    kinds.some(({ shape, lengths }) => lengths.has(digits.length) && shape.test(digits))
  );
}

/** The plans of all countries that share a code, the one with most numbers first; none for no code. */
function plansOf(code: string): readonly Plan[] {
  let found = plans.get(code);
  if (found === undefined) {
    const beyond: unknown = Object.entries(metadata.nonGeographic).find(([one]) => one === code)?.[1];
    const names: readonly string[] =
      Object.entries(metadata.country_calling_codes).find(([one]) => one === code)?.[1] ?? [];
    const rows: unknown[] = names.map(
      (name) => Object.entries(metadata.countries).find(([one]) => one === name)?.[1],
    );
    found = (beyond === undefined ? rows : [...rows, beyond]).flatMap(planOf);
    plans.set(code, found);
  }
  return found;
}

function planOf(row: unknown): Plan[] {
  const cells = listOf(row) ?? [];
  const all = textOf(cells[at.all]);
  if (all === undefined) return [];
  const lengths = lengthsOf(cells[at.lengths]) ?? new Set();
  const prefix = textOf(cells[at.prefix]) ?? textOf(cells[at.ownPrefix]);
  const leading = textOf(cells[at.leading]);
  const kinds = listOf(cells[at.kinds]);
  return [
    {
      all: whole(all),
      lengths,
      prefix: prefix === undefined ? undefined : new RegExp(`^(?:${prefix})`),
      leading: leading === undefined ? undefined : new RegExp(`^(?:${leading})`),
      kinds: kinds?.flatMap((kind) => {
        const [pattern, sizes] = listOf(kind) ?? [];
        const shape = textOf(pattern);
        return shape === undefined ? [] : [{ shape: whole(shape), lengths: lengthsOf(sizes) ?? lengths }];
      }),
    },
  ];
}

const listOf = (cell: unknown): readonly unknown[] | undefined => (Array.isArray(cell) ? cell : undefined);

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

const textOf = (cell: unknown): string | undefined =>
  typeof cell === 'string' && cell !== '' ? cell : undefined;

function lengthsOf(cell: unknown): ReadonlySet<number> | undefined {
  return Array.isArray(cell) ? new Set(cell.filter((one) => typeof one === 'number')) : undefined;
}
