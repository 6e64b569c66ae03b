import { isSchema, properties, typeOf, type Schema } from './emit-types.ts';

export interface FieldRow {
  /** Path in dots and brackets: `runs[].cwd`. */
  path: string;
  type: string;
  required: boolean;
  bounds: string;
  defaultValue: string;
  description: string;
}

/** Every field of an object schema, nested ones after their parent. */
export function fieldRows(schema: Schema, prefix = ''): FieldRow[] {
  return properties(schema).flatMap(([name, field, required]) => {
    const path = `${prefix}${name}`;
    const row: FieldRow = {
      path,
      type: shortType(field),
      required,
      bounds: bounds(field).join(', '),
      defaultValue: 'default' in field ? JSON.stringify(field['default']) : '',
      description: typeof field['description'] === 'string' ? field['description'] : '',
    };
    return [row, ...nestedRows(field, path)];
  });
}

function nestedRows(field: Schema, path: string): FieldRow[] {
  if (isSchema(field['items'])) return nestedRows(field['items'], `${path}[]`);
  if (isSchema(field['properties'])) return fieldRows(field, `${path}.`);
  const values = field['additionalProperties'];
  return isSchema(values) ? nestedRows(values, `${path}.NAME`) : [];
}

function shortType(schema: Schema): string {
  if (isSchema(schema['items'])) return arrayOf(shortType(schema['items']));
  if (isSchema(schema['properties'])) return 'object';
  if (schema['type'] === 'object') {
    const values = schema['additionalProperties'];
    return `object of ${isSchema(values) ? shortType(values) : 'any values'}`;
  }
  const options = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(options))
    return options.map((one) => (isSchema(one) ? inlineType(one) : 'any')).join(' or ');
  return schema['type'] === 'integer' ? 'integer' : typeOf(schema);
}

function arrayOf(type: string): string {
  return / (\||or) /.test(type) ? `(${type})[]` : `${type}[]`;
}

/** An alternative has no rows of its own, so its fields are named in place. */
function inlineType(schema: Schema): string {
  if (!isSchema(schema['properties'])) return shortType(schema);
  const fields = properties(schema).map(([name, field]) => `${name}: ${shortType(field)}`);
  return `{ ${fields.join(', ')} }`;
}

const boundWords: Record<string, string> = {
  minimum: '≥',
  maximum: '≤',
  minLength: 'characters ≥',
  maxLength: 'characters ≤',
  minItems: 'elements ≥',
  maxItems: 'elements ≤',
};

function bounds(schema: Schema): string[] {
  const words: string[] = [];
  for (const [key, word] of Object.entries(boundWords)) {
    const limit = schema[key];
    if (typeof limit === 'number' && Math.abs(limit) < Number.MAX_SAFE_INTEGER)
      words.push(`${word} ${limit}`);
  }
  if (typeof schema['pattern'] === 'string') words.push(`matches \`${schema['pattern']}\``);
  const { items } = schema;
  if (isSchema(items) && !isSchema(items['properties']))
    words.push(...bounds(items).map((word) => `each ${word}`));
  return words;
}
