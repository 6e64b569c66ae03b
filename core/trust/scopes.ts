import type { Scope } from '../../schemas/principal.ts';

const ranks: Readonly<Record<Scope, number>> = { read: 0, run: 1, admin: 2 };

/** Each scope holds those before it. */
export function allows(has: Scope, needed: Scope): boolean {
  return ranks[has] >= ranks[needed];
}

/** The highest of them. */
export function highest(scopes: readonly Scope[]): Scope {
  return scopes.reduce<Scope>((top, one) => (ranks[one] > ranks[top] ? one : top), 'read');
}
