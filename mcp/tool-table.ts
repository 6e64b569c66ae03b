import type { ListToolsResult } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { Contract, Contracts } from '../schemas/contract.ts';
import type { Call, Handlers, Input, Output } from './handlers.ts';
import { inputError } from './input-error.ts';
import { wireSchema } from './json-schema.ts';
import type { ReplyLink } from './reply.ts';

/** By tool, the resources a reply of it is about. */
export type ReplyLinks<C extends Contracts> = {
  [K in keyof C]?: (output: Output<C[K]>) => readonly ReplyLink[];
};

export interface Tool {
  contract: Contract;
  /** As tools/list shows it. */
  definition: ListToolsResult['tools'][number];
  /** INVALID_INPUT where the arguments do not fit, else whatever the handler throws. */
  run: (args: unknown, call: Call) => Promise<Ran>;
}

interface Ran {
  input: unknown;
  output: Record<string, unknown>;
  links: readonly ReplyLink[];
}

/** The tools by name, in the order of the contracts. */
export function createTools<C extends Contracts>(
  contracts: C,
  handlers: Handlers<C>,
  links: ReplyLinks<C> = {},
): Map<string, Tool> {
  const tools = new Map<string, Tool>();
  for (const name in contracts)
    tools.set(name, createTool(name, contracts[name], handlers[name], links[name]));
  return tools;
}

/** What tools/list shows of contracts. */
export function listTools(contracts: Contracts): ListToolsResult['tools'] {
  return Object.entries(contracts).map(([name, contract]) => define(name, contract));
}

function define(name: string, contract: Contract): ListToolsResult['tools'][number] {
  return {
    name,
    title: contract.title,
    description: contract.description,
    inputSchema: wireSchema(contract.input, 'input'),
    outputSchema: wireSchema(contract.output, 'output'),
    annotations: { ...contract.annotations },
  };
}

type Handler<C extends Contract> = (input: Input<C>, call: Call) => Promise<Output<C>> | Output<C>;

function createTool<C extends Contract>(
  name: string,
  contract: C,
  handler: Handler<C>,
  linksOf: ((output: Output<C>) => readonly ReplyLink[]) | undefined,
): Tool {
  const definition = define(name, contract);
  return {
    contract,
    definition,
    run: async (args, call) => {
      const parsed = parse<C['input']>(contract.input, args ?? {});
      if (!parsed.success) throw inputError(parsed.error, definition.inputSchema);
      const output = await handler(parsed.data, call);
      return { input: parsed.data, output, links: linksOf?.(output) ?? [] };
    },
  };
}

function parse<S extends z.ZodObject>(schema: S, value: unknown): z.ZodSafeParseResult<z.output<S>> {
  return schema.safeParse(value);
}
