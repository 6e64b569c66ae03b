import { z } from 'zod';

/** Bounds zod prints for every integer, which say nothing. */
const unsaid = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
/** Keywords a caller does not need to make a right call; the zod schema still enforces them. */
const dropped = new Set([
  '$schema',
  'pattern',
  'minLength',
  'maxLength',
  'format',
  'propertyNames',
  'minItems',
  'maxItems',
]);

function compact(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(compact);
  if (typeof node !== 'object' || node === null) return node;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (dropped.has(key)) continue;
    if ((key === 'minimum' || key === 'maximum') && (unsaid.has(Number(value)) || value === 0)) continue;
    if (key === 'additionalProperties' && (value === false || isEmptyObject(value))) continue;
    out[key] = key === 'properties' ? mapValues(value) : compact(value);
  }
  return out;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function mapValues(node: unknown): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (typeof node !== 'object' || node === null) return out;
  for (const [key, value] of Object.entries(node)) out[key] = compact(value);
  return out;
}

/**
 * The JSON Schema (draft-07) a tool is listed with: every field, type, enum and description, and
 * nothing a model pays tokens for without needing it.
 */
export function wireSchema(
  schema: z.ZodObject,
  io: 'input' | 'output',
): Record<string, unknown> & { type: 'object' } {
  return { ...mapTop(compact(z.toJSONSchema(schema, { target: 'draft-7', io }))), type: 'object' };
}

function mapTop(node: unknown): Record<string, unknown> {
  return typeof node === 'object' && node !== null ? { ...node } : {};
}
