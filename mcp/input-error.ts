import type { z } from 'zod';
import { FleetError } from '../core/errors.ts';
import { isRecord } from './json-rpc.ts';

type Issue = z.core.$ZodIssue;

/** INVALID_INPUT naming the wrong field, and for an unknown one those there are. `schema`: the input's JSON Schema. */
export function inputError(error: z.ZodError, schema: unknown): FleetError {
  const [issue] = error.issues;
  if (issue === undefined) return new FleetError('INVALID_INPUT', 'The input is not valid.');
  return new FleetError('INVALID_INPUT', describe(issue, schema));
}

function describe(issue: Issue, schema: unknown): string {
  const field = fieldName(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys
      .slice(0, 5)
      .map((key) => `"${key.slice(0, 80)}"`)
      .join(', ');
    const where = field === '' ? '' : ` in ${field}`;
    return `Unknown field ${unknown}${where}; the fields are ${fieldsAt(schema, issue.path)}.`;
  }
  return `${field === '' ? 'The input' : `"${field}"`} ${complaint(issue)}.`;
}

/** In our words: a library's may repeat the value, and change with its version. */
function complaint(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be of type ${issue.expected}`;
    case 'too_small':
      return `must ${measure(issue.origin, 'least', issue.minimum)}`;
    case 'too_big':
      return `must ${measure(issue.origin, 'most', issue.maximum)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return issue.format === 'regex'
        ? `must match ${String(issue.pattern)}`
        : `must be a valid ${issue.format}`;
    case 'custom':
      return issue.message;
    default:
      return 'has the wrong form';
  }
}

function measure(origin: string, bound: 'least' | 'most', limit: number | bigint): string {
  if (origin === 'string') return `have at ${bound} ${String(limit)} characters`;
  if (origin === 'array') return `have at ${bound} ${String(limit)} elements`;
  return `be at ${bound} ${String(limit)}`;
}

function fieldName(path: readonly PropertyKey[]): string {
  let name = '';
  for (const part of path) {
    if (typeof part === 'number') name += `[${String(part)}]`;
    else name += name === '' ? String(part) : `.${String(part)}`;
  }
  return name.slice(0, 200);
}

function fieldsAt(schema: unknown, path: readonly PropertyKey[]): string {
  let node = schema;
  for (const part of path) {
    if (!isRecord(node)) break;
    const properties = node['properties'];
    if (typeof part === 'number') node = node['items'];
    else node = isRecord(properties) ? properties[String(part)] : node['additionalProperties'];
  }
  const properties = isRecord(node) ? node['properties'] : undefined;
  const names = isRecord(properties) ? Object.keys(properties) : [];
  return names.length === 0 ? 'none' : names.join(', ');
}
