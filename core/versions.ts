/** Whether version `a` comes after `b`, by the precedence of Semantic Versioning 2.0.0, §11. */
export function isNewer(a: string, b: string): boolean {
  return compare(a, b) > 0;
}

function compare(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  return comparePart(left.release, right.release) || comparePre(left.pre, right.pre);
}

function parse(version: string): { release: string[]; pre: string[] } {
  const [plain = ''] = version.split('+');
  const dash = plain.indexOf('-');
  const release = dash < 0 ? plain : plain.slice(0, dash);
  return { release: release.split('.'), pre: dash < 0 ? [] : plain.slice(dash + 1).split('.') };
}

/** A version without a pre-release part comes after one with. */
function comparePre(left: string[], right: string[]): number {
  if (left.length === 0 || right.length === 0) return right.length - left.length;
  return comparePart(left, right);
}

/** Identifier by identifier; numbers by value and before words, the longer list last. */
function comparePart(left: string[], right: string[]): number {
  for (const [at, a] of left.entries()) {
    const b = right[at];
    if (b === undefined) return 1;
    const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
    if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
    const order = isNumberA ? Number(a) - Number(b) : a < b ? -1 : Number(a > b);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
