import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { config } from '../../schemas/config.ts';
import type { Contract, Contracts } from '../../schemas/contract.ts';
import { errorCodes } from '../../schemas/errors.ts';
import { metrics } from '../../schemas/metrics.ts';
import { projectConfig } from '../../schemas/project.ts';
import { fleetContracts, workerContracts } from '../../schemas/tools.ts';
import { fieldRows, type FieldRow } from './emit-fields.ts';
import type { LiveTools } from './live-tools.ts';

const notice = "<!-- Written by `npm run gen`. Don't edit. -->";

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

function fieldTable(rows: readonly FieldRow[]): string {
  if (rows.length === 0) return 'None.';
  return table(
    ['Field', 'Type', 'Required', 'Bounds', 'Meaning'],
    rows.map((row) => [
      code(row.path),
      code(row.type),
      row.required ? 'yes' : '',
      row.bounds,
      row.description,
    ]),
  );
}

/** Names and order come from the live list; bounds from the contract, since the list leaves most out to save tokens. */
function toolSection(tool: Tool, contract: Contract): string {
  const inputRows = fieldRows(z.toJSONSchema(contract.input, { target: 'draft-7', io: 'input' }));
  const outputRows = fieldRows(z.toJSONSchema(contract.output, { target: 'draft-7', io: 'input' }));
  const hints = Object.entries(tool.annotations ?? {}).map(([name, value]) => `${name} ${String(value)}`);
  const example = (value: unknown): string => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
  return [
    `### ${tool.name}`,
    `**${tool.title ?? tool.name}.** ${tool.description ?? ''}`,
    `Annotations: ${hints.join(', ')}.`,
    '#### Input',
    fieldTable(inputRows),
    '#### Output',
    fieldTable(outputRows),
    '#### Errors',
    contract.errors.length === 0 ? 'None of its own.' : errorTable(contract.errors),
    '#### Example',
    example(contract.example.input),
    example(contract.example.output),
  ].join('\n\n');
}

function errorTable(codes: readonly (keyof typeof errorCodes)[]): string {
  return table(
    ['Code', 'Retryable', 'Next, where the error says nothing better'],
    codes.map((name) => [code(name), errorCodes[name].retryable ? 'yes' : 'no', errorCodes[name].next]),
  );
}

function sections(tools: readonly Tool[], contracts: Contracts): string {
  return tools
    .map((tool) => {
      const contract = contracts[tool.name];
      if (contract === undefined) throw new Error(`The server lists ${tool.name}, which has no contract.`);
      return toolSection(tool, contract);
    })
    .join('\n\n');
}

export function emitToolDocs(live: LiveTools): string {
  const own = live.worker.filter(
    (tool) => JSON.stringify(tool) !== JSON.stringify(live.fleet.find(({ name }) => name === tool.name)),
  );
  return [
    notice,
    '# Tools',
    'Every reply is in `structuredContent`; the text beside it is its `next`. An error is a result with `isError` ' +
      'whose text is one line of JSON `{code, message, retryable, next}`, without `structuredContent`. Any tool may ' +
      'also answer `INTERNAL`, whose message holds a reference to the log.',
    '## The fleet',
    sections(live.fleet, fleetContracts),
    '## A worker',
    'A worker serves the same run tools, except for these.',
    sections(own, workerContracts),
    '',
  ].join('\n\n');
}

export function emitErrorDocs(): string {
  const usedBy = (name: string): string =>
    Object.entries({ ...workerContracts, ...fleetContracts })
      .filter(([, contract]) => contract.errors.some((used) => used === name))
      .map(([tool]) => code(tool))
      .join(', ');
  const rows = Object.entries(errorCodes).map(([name, { retryable, next }]) => [
    code(name),
    retryable ? 'yes' : 'no',
    next,
    usedBy(name),
  ]);
  return [
    notice,
    '# Errors',
    '`retryable` means that the same call may succeed later without being changed. A run that failed is not an ' +
      'error: it is told by its `status` and `outcome`.',
    table(['Code', 'Retryable', 'Next', 'Tools'], rows),
    '',
  ].join('\n\n');
}

export function emitMetricDocs(): string {
  const rows = Object.entries(metrics).map(([name, metric]) => [
    code(name),
    metric.kind,
    code(metric.unit),
    metric.attributes.map(code).join(', '),
    metric.description,
  ]);
  return [
    notice,
    '# Metrics',
    'Sent over OTLP/HTTP, and only where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` is set.',
    table(['Name', 'Kind', 'Unit', 'Attributes', 'Meaning'], rows),
    '',
  ].join('\n\n');
}

/** The configuration's own JSON Schema: what an editor checks the file against. */
export function configSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(config, { target: 'draft-7', io: 'input' });
  return { $schema, title: 'codex-fleet configuration', ...rest };
}

/** The same of a project's own file. */
export function projectSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(projectConfig, { target: 'draft-7', io: 'input' });
  return { $schema, title: 'codex-fleet project configuration', ...rest };
}

function settingsTable(schema: Record<string, unknown>): string {
  const rows = fieldRows(schema).map((row) => [
    code(row.path),
    code(row.type),
    row.defaultValue === '{}' && row.type === 'object' ? '' : code(row.defaultValue),
    row.bounds,
    row.description,
  ]);
  return table(['Field', 'Type', 'Default', 'Bounds', 'Meaning'], rows);
}

export function emitConfigDocs(): string {
  return [
    notice,
    '# Configuration',
    '`$XDG_CONFIG_HOME/codex-fleet/config.json`, or the file `CODEX_FLEET_CONFIG` names. Everything is optional, and ' +
      'an unknown field is an error. `NAME` stands for a name of your own. Editors check the file where its `$schema` ' +
      'names `config.schema.json`.',
    settingsTable(configSchema()),
    `## A project's own`,
    '`.codex-fleet.json` in the folder a run works in, or above it: all of them count, the nearest alone widens. It may narrow your configuration at ' +
      'once: its `limits` and `only_pipelines` hold for every run there. What widens it, `widen`, counts only after ' +
      '`codex-fleet trust`, and only for the file as it stood then. Its schema is `project.schema.json`.',
    settingsTable(projectSchema()),
    '',
  ].join('\n\n');
}
