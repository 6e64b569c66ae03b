const loneSurrogate = /[\uD800-\uDFFF]/u;

/**
 * The one JSON text of a value (RFC 8785): members sorted by UTF-16 code units, no blanks, numbers and
 * strings as ECMAScript writes them, which is what the RFC asks for. Throws for what has none: numbers
 * that are not finite, halves of surrogate pairs, and what is no JSON.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('not finite');
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value);
    default:
      throw new TypeError('no JSON value');
  }
}

function canonicalString(text: string): string {
  if (loneSurrogate.test(text)) throw new TypeError('half of a surrogate pair');
  return JSON.stringify(text);
}

function canonicalArray(items: readonly unknown[]): string {
  return `[${items.map(canonicalJson).join(',')}]`;
}

function canonicalObject(value: object): string {
  const members = new Map<string, unknown>(Object.entries(value));
  const names = [...members.keys()].filter((name) => members.get(name) !== undefined).sort(byCodeUnits);
  return `{${names.map((name) => `${canonicalString(name)}:${canonicalJson(members.get(name))}`).join(',')}}`;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1;
}
