import type { RunSpec } from '../schemas/run.ts';

/**
 * Whether two accepted runs ask for the same: what decides a repeated request_key. Which call they
 * came by, and so their group, is no part of it.
 */
export function sameSpec(a: RunSpec, b: RunSpec): boolean {
  return canonicalJson({ ...a, group: undefined }) === canonicalJson({ ...b, group: undefined });
}

/** JSON with sorted keys and without undefined members, so that equal values give equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (isPlainObject(member) ? sorted(member) : member));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
