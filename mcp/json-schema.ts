import { z } from 'zod';

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
  'minimum',
  'maximum',
]);

/** `said`: fields described so far, so that one that comes back deeper down is not described again. */
function compact(node: unknown, said: Set<string>): unknown {
  if (Array.isArray(node)) return node.map((one) => compact(one, said));
  if (typeof node !== 'object' || node === null) return node;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (dropped.has(key)) continue;
    if (key === 'additionalProperties' && (value === false || isEmptyObject(value))) continue;
    out[key] = key === 'properties' ? mapValues(value, said) : compact(value, said);
  }
  return out;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function mapValues(node: unknown, said: Set<string>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (typeof node !== 'object' || node === null) return out;
  for (const [key, value] of Object.entries(node)) {
    const { description, ...rest } = mapTop(compact(value, said));
    const isNew = typeof description === 'string' && !said.has(`${key}: ${description}`);
    if (isNew) said.add(`${key}: ${description}`);
    out[key] = isNew ? { description, ...rest } : rest;
  }
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
  return { ...mapTop(compact(z.toJSONSchema(schema, { target: 'draft-7', io }), new Set())), type: 'object' };
}

function mapTop(node: unknown): Record<string, unknown> {
  return typeof node === 'object' && node !== null ? { ...node } : {};
}
