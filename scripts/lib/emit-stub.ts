import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { objectBody, properties } from './emit-types.ts';

function pascal(name: string): string {
  return name
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function camel(name: string): string {
  const joined = pascal(name);
  return joined.charAt(0).toLowerCase() + joined.slice(1);
}

function interfacesOf(tool: Tool): string {
  const name = pascal(tool.name);
  return [
    `/** What ${tool.name} takes. */`,
    declaration(`${name}Input`, tool.inputSchema),
    `/** What ${tool.name} answers. */`,
    declaration(`${name}Output`, tool.outputSchema ?? {}),
  ].join('\n');
}

function declaration(name: string, schema: Record<string, unknown>): string {
  const body = objectBody(schema);
  return body.startsWith('{') ? `export interface ${name} ${body}` : `export type ${name} = ${body};`;
}

function requiredOf(schema: Record<string, unknown>): string {
  const names = properties(schema)
    .filter(([, , required]) => required)
    .map(([name]) => JSON.stringify(name));
  return `[${names.join(', ')}]`;
}

function method(tool: Tool): string {
  const name = pascal(tool.name);
  const none = properties(tool.inputSchema).length === 0;
  const input = none ? `input?: ${name}Input` : `input: ${name}Input`;
  return [
    `/** ${tool.description ?? ''} */`,
    `${camel(tool.name)}(${input}, options?: CallOptions): Promise<${name}Output>;`,
  ].join('\n');
}

function implementation(tool: Tool): string {
  const none = properties(tool.inputSchema).length === 0;
  const args = none ? 'input = {}, options' : 'input, options';
  return `${camel(tool.name)}: (${args}) => call(${JSON.stringify(tool.name)}, input, options),`;
}

/** The text of stubs/fleet.ts: a type for every input and output, a method for every tool. */
export function emitStub(tools: readonly Tool[]): string {
  return [
    "// Written by `npm run gen` from what a running fleet answers to tools/list. Don't edit.",
    ...tools.map(interfacesOf),
    '/** Input and output of every tool, by name. */',
    'export interface FleetTools {',
    ...tools.map(({ name }) => `${name}: { input: ${pascal(name)}Input; output: ${pascal(name)}Output };`),
    '}',
    'export type ToolName = keyof FleetTools;',
    'export interface CallOptions { signal?: AbortSignal; timeoutMs?: number }',
    '/** One tools/call: the structured content of its result. Throws FleetCallError. */',
    'export type CallFleet = <N extends ToolName>(',
    "name: N, input: FleetTools[N]['input'], options?: CallOptions) => Promise<FleetTools[N]['output']>;",
    '/** Fields an output always has. */',
    'export const requiredOutputFields: Record<ToolName, readonly string[]> = {',
    ...tools.map(({ name, outputSchema }) => `${name}: ${requiredOf(outputSchema ?? {})},`),
    '};',
    'export interface FleetMethods {',
    ...tools.map(method),
    '}',
    '/** The methods over anything that can call a tool. */',
    'export function fleetMethods(call: CallFleet): FleetMethods {',
    'return {',
    ...tools.map(implementation),
    '};',
    '}',
    '',
  ].join('\n');
}
