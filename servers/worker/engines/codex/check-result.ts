import { z } from 'zod';
import { FleetError } from '../../../../core/errors.ts';
import { parseJson } from '../../../../core/parse-json.ts';

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

function isJsonSchema(value: Record<string, unknown>): value is JsonSchema & Record<string, unknown> {
  return typeof value['$ref'] !== 'string' || value['$ref'].startsWith('#');
}

/** INVALID_INPUT for a schema that cannot be used; the returned check says what is wrong with a text. */
export function resultCheck(schema: Record<string, unknown>): (text: string) => string | undefined {
  const parser = parserOf(schema);
  return (text) => {
    const value = parseJson(text);
    if (value === undefined) return 'The last message is not JSON.';
    const parsed = parser.safeParse(value);
    if (parsed.success) return undefined;
    const [issue] = parsed.error.issues;
    const place = issue === undefined || issue.path.length === 0 ? 'its top level' : issue.path.join('.');
    return `The last message does not fit output_schema at ${place}: ${issue?.message ?? 'invalid'}`;
  };
}

function parserOf(schema: Record<string, unknown>): z.ZodType {
  try {
    if (isJsonSchema(schema)) return z.fromJSONSchema(schema);
  } catch (error) {
    throw new FleetError('INVALID_INPUT', '"output_schema" is not a JSON Schema that can be checked.', {
      next: 'Use draft 2020-12, draft-07 or draft-04 without external references.',
      cause: error,
    });
  }
  throw new FleetError('INVALID_INPUT', '"output_schema" refers to another document.');
}
