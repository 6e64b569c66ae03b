import { FleetCallError } from './errors.ts';
import { requiredOutputFields, type FleetTools, type ToolName } from './fleet.ts';

/** The output inside a CallToolResult; throws FleetCallError for an error result or another shape. */
export function outputOf<N extends ToolName>(name: N, result: unknown): FleetTools[N]['output'] {
  if (isRecord(result)) {
    if (result['isError'] === true) throw errorOf(result['content']);
    const output = result['structuredContent'];
    if (isOutput(name, output)) return output;
  }
  throw unexpected(`The answer to ${name} has an unknown shape.`);
}

/** Whether every field is there that an output of this tool always has; their contents are the fleet's to get right. */
function isOutput<N extends ToolName>(name: N, value: unknown): value is FleetTools[N]['output'] {
  return isRecord(value) && requiredOutputFields[name].every((field) => field in value);
}

function errorOf(content: unknown): FleetCallError {
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  const body = isRecord(first) ? parseJson(first['text']) : undefined;
  if (!isRecord(body)) return unexpected('The fleet answered with an error of an unknown kind.');
  const { code, message, retryable, next } = body;
  return new FleetCallError({
    code: typeof code === 'string' ? code : 'INTERNAL',
    message: typeof message === 'string' ? message : 'The fleet refused the call.',
    retryable: retryable === true,
    next: typeof next === 'string' ? next : '',
  });
}

function unexpected(message: string): FleetCallError {
  const next = 'Use the typed client of the same version as the fleet.';
  return new FleetCallError({ code: 'INTERNAL', message, retryable: false, next });
}

function parseJson(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
