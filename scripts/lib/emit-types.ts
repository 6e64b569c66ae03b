/** A JSON Schema as tools/list carries it: the part of draft-07 that zod emits. */
export type Schema = Record<string, unknown>;

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function properties(schema: Schema): [string, Schema, boolean][] {
  const all = isSchema(schema['properties']) ? schema['properties'] : {};
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  return Object.entries(all).map(([name, value]) => [name, isSchema(value) ? value : {}, required.has(name)]);
}

/** The TypeScript type of what the schema describes; throws where it says something we never emit. */
export function typeOf(schema: Schema): string {
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => JSON.stringify(value)).join(' | ');
  if ('const' in schema) return JSON.stringify(schema['const']);
  const options = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(options))
    return options.map((option) => typeOf(isSchema(option) ? option : {})).join(' | ');
  const { type } = schema;
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' | ');
  switch (type) {
    case undefined:
      return 'unknown';
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `Array<${isSchema(schema['items']) ? typeOf(schema['items']) : 'unknown'}>`;
    case 'object':
      return properties(schema).length > 0 ? objectBody(schema) : recordType(schema);
    default:
      throw new Error(`No TypeScript type for ${JSON.stringify(schema)}.`);
  }
}

function recordType(schema: Schema): string {
  const values = schema['additionalProperties'];
  return `Record<string, ${isSchema(values) ? typeOf(values) : 'unknown'}>`;
}

/** `{ … }` with a comment for every described field. */
export function objectBody(schema: Schema): string {
  const fields = properties(schema).map(([name, field, required]) => {
    const comment = typeof field['description'] === 'string' ? `/** ${field['description']} */\n` : '';
    return `${comment}${fieldName(name)}${required ? '' : '?'}: ${typeOf(field)};`;
  });
  return fields.length === 0 ? 'Record<string, never>' : `{\n${fields.join('\n')}\n}`;
}

function fieldName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
