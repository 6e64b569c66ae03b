import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { SUPPORTED_PROTOCOL_VERSIONS, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { listLiveTools, type LiveTools } from '../../scripts/lib/live-tools.ts';
import type { Contract } from '../../schemas/contract.ts';
import { errorCodes } from '../../schemas/errors.ts';
import { protocolVersions } from '../../schemas/server-info.ts';
import { fleetContracts, fleetInstructions, workerContracts } from '../../schemas/tools.ts';

let live: LiveTools;
beforeAll(async () => {
  live = await listLiveTools();
});

const contracts: [string, Contract][] = [
  ...Object.entries(fleetContracts).map(([name, contract]): [string, Contract] => [
    `fleet ${name}`,
    contract,
  ]),
  ...Object.entries(workerContracts).map(([name, contract]): [string, Contract] => [
    `worker ${name}`,
    contract,
  ]),
];

describe.each(contracts)('%s', (_name, contract) => {
  it('has an example that fits its own schemas', () => {
    expect(contract.input.parse(contract.example.input)).toEqual(contract.example.input);
    expect(contract.output.parse(contract.example.output)).toEqual(contract.example.output);
  });

  it('is described in few words', () => {
    expect(contract.title).toMatch(/^[A-Z]/);
    expect(contract.description.length).toBeGreaterThan(20);
    expect(contract.description.length).toBeLessThanOrEqual(300);
  });

  it('says all a client may assume', () => {
    const { readOnlyHint, destructiveHint, ...rest } = contract.annotations;
    expect(Object.keys(rest).sort()).toEqual(['idempotentHint', 'openWorldHint']);
    expect(readOnlyHint && destructiveHint).toBe(false);
  });

  it('names codes there are, each once', () => {
    expect(contract.errors.filter((code) => !(code in errorCodes))).toEqual([]);
    expect(new Set(contract.errors).size).toBe(contract.errors.length);
  });
});

function mentions(node: unknown, key: string): boolean {
  if (Array.isArray(node)) return node.some((one) => mentions(one, key));
  if (typeof node !== 'object' || node === null) return false;
  return key in node || Object.values(node).some((one) => mentions(one, key));
}

function tokensOf(tools: readonly Tool[], withOutputs: boolean): number {
  const shown = tools.map(({ name, description, inputSchema, outputSchema }) =>
    withOutputs ? { name, description, inputSchema, outputSchema } : { name, description, inputSchema },
  );
  return countTokens(JSON.stringify(shown));
}

describe('what tools/list costs and shows', () => {
  it('is ten tools at most, each with both schemas', () => {
    for (const tools of [live.fleet, live.worker]) {
      expect(tools.length).toBeLessThanOrEqual(10);
      for (const tool of tools) {
        expect(tool.inputSchema.type).toBe('object');
        expect(tool.outputSchema?.type).toBe('object');
        expect(tool.annotations).toBeDefined();
      }
    }
  });

  it('has no union at a root: clients show such a tool without fields', () => {
    for (const tool of [...live.fleet, ...live.worker]) {
      for (const schema of [tool.inputSchema, tool.outputSchema]) {
        for (const key of ['anyOf', 'oneOf', 'allOf', '$ref']) expect(schema).not.toHaveProperty(key);
      }
    }
  });

  it('is free of references, which some clients do not follow', () => {
    expect(mentions(live, '$ref')).toBe(false);
    expect(mentions(live, '$schema')).toBe(false);
  });

  it('keeps every field of the contracts', () => {
    for (const tool of live.fleet) {
      const contract = Object.entries(fleetContracts).find(([name]) => name === tool.name)?.[1];
      expect(Object.keys(tool.inputSchema.properties ?? {})).toEqual(
        Object.keys(contract?.input.shape ?? {}),
      );
      expect(Object.keys(tool.outputSchema?.properties ?? {})).toEqual(
        Object.keys(contract?.output.shape ?? {}),
      );
    }
  });

  it('stays within its budget of tokens', () => {
    expect(tokensOf(live.fleet, false)).toBeLessThanOrEqual(1_200);
    expect(tokensOf(live.fleet, true)).toBeLessThanOrEqual(2_500);
  });

  it('has names every client can show', () => {
    for (const { name } of [...live.fleet, ...live.worker]) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
  });
});

describe('instructions', () => {
  it('say the whole idea in the first 240 characters, and all in 4096', () => {
    const [idea = ''] = fleetInstructions.split('\n');
    expect(idea.length).toBeLessThanOrEqual(240);
    expect(idea).toMatch(/\.$/);
    for (const tool of ['start_run', 'poll_run', 'read_handle']) expect(idea).toContain(tool);
    expect(fleetInstructions.length).toBeLessThanOrEqual(4_096);
  });
});

it('speaks the revisions the SDK speaks', () => {
  expect([...protocolVersions]).toEqual(SUPPORTED_PROTOCOL_VERSIONS);
});
