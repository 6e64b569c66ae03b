/** A red pixel. */
export const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** Silence: a WAV header and no sample. */
export const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=';

export const prompts = [
  { name: 'test_simple_prompt', description: 'A plain prompt' },
  {
    name: 'test_prompt_with_arguments',
    description: 'A prompt with two arguments',
    arguments: [
      { name: 'arg1', required: true },
      { name: 'arg2', required: true },
    ],
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'A prompt that embeds a resource',
    arguments: [{ name: 'resourceUri', required: true }],
  },
  { name: 'test_prompt_with_image', description: 'A prompt with a picture' },
];

export const resources = [
  { uri: 'test://static-text', name: 'text', description: 'A text', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'binary', description: 'A picture', mimeType: 'image/png' },
  {
    uri: 'test://watched-resource',
    name: 'watched',
    description: 'One to subscribe to',
    mimeType: 'text/plain',
  },
];

const user = { role: 'user' as const };

/** The messages of a prompt, or undefined where there is none of that name. */
export function promptMessages(name: string, args: Record<string, string>) {
  switch (name) {
    case 'test_simple_prompt':
      return [{ ...user, content: { type: 'text' as const, text: 'A simple prompt.' } }];
    case 'test_prompt_with_arguments':
      return [
        {
          ...user,
          content: { type: 'text' as const, text: `arg1=${args['arg1'] ?? ''} arg2=${args['arg2'] ?? ''}` },
        },
      ];
    case 'test_prompt_with_embedded_resource':
      return [
        {
          ...user,
          content: {
            type: 'resource' as const,
            resource: { uri: args['resourceUri'] ?? '', mimeType: 'text/plain', text: 'Embedded text.' },
          },
        },
        { ...user, content: { type: 'text' as const, text: 'Look at the resource above.' } },
      ];
    case 'test_prompt_with_image':
      return [
        { ...user, content: { type: 'image' as const, data: png, mimeType: 'image/png' } },
        { ...user, content: { type: 'text' as const, text: 'Look at the picture above.' } },
      ];
    default:
      return undefined;
  }
}

/** The contents of a resource, templates included, or undefined for an unknown URI. */
export function resourceContents(uri: string) {
  const template = /^test:\/\/template\/([^/]+)\/data$/.exec(uri);
  if (template !== null) {
    return [
      { uri, mimeType: 'application/json', text: JSON.stringify({ id: template[1], templateTest: true }) },
    ];
  }
  if (uri === 'test://static-binary') return [{ uri, mimeType: 'image/png', blob: png }];
  if (uri === 'test://static-text' || uri === 'test://watched-resource') {
    return [{ uri, mimeType: 'text/plain', text: 'A static text.' }];
  }
  return undefined;
}

const oneOf = [
  { const: 'value1', title: 'First' },
  { const: 'value2', title: 'Second' },
];
const anyOf = oneOf;

/** Every primitive with a default (SEP-1034). */
export const defaultsForm = {
  name: { type: 'string' as const, default: 'John Doe' },
  age: { type: 'integer' as const, default: 30 },
  score: { type: 'number' as const, default: 95.5 },
  status: { type: 'string' as const, enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean' as const, default: true },
};

/** Every form of enumeration (SEP-1330). */
export const enumsForm = {
  untitledSingle: { type: 'string' as const, enum: ['option1', 'option2', 'option3'] },
  titledSingle: { type: 'string' as const, oneOf },
  legacyEnum: { type: 'string' as const, enum: ['opt1', 'opt2'], enumNames: ['One', 'Two'] },
  untitledMulti: { type: 'array' as const, items: { type: 'string' as const, enum: ['option1', 'option2'] } },
  titledMulti: { type: 'array' as const, items: { anyOf } },
};

export const draft2020Tool = {
  name: 'json_schema_2020_12_tool',
  description: 'A tool whose schema uses JSON Schema 2020-12',
  inputSchema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object' as const,
    $defs: { address: { type: 'object', properties: { street: { type: 'string' } } } },
    properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
    additionalProperties: false,
  },
};
