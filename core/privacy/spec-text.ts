import type { RunSpec } from '../../schemas/run.ts';

/** A spec with every text an engine gets changed: its prompt, its inputs, the words of its output schema. */
export function withText(spec: RunSpec, change: (text: string) => string): RunSpec {
  const { prompt, inputs, output_schema: schema } = spec;
  const changed: RunSpec = {
    ...spec,
    inputs: mapRecord(inputs, (one) => (typeof one === 'string' ? change(one) : one)),
  };
  if (prompt !== undefined) changed.prompt = change(prompt);
  if (schema !== undefined) changed.output_schema = mapRecord(schema, (one) => mapText(one, change));
  return changed;
}

/** The same for what only the fleet itself reads, too: the caller's names for a run. */
export function withNames(spec: RunSpec, change: (text: string) => string): RunSpec {
  const { label, request_key: key } = spec;
  return {
    ...spec,
    ...(label !== undefined && { label: change(label) }),
    ...(key !== undefined && { request_key: change(key) }),
  };
}

function mapRecord<T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/** Keys stay: in a JSON Schema they are names of fields. */
function mapText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => mapText(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return mapRecord(Object.fromEntries(Object.entries(value)), (one) => mapText(one, change));
}
