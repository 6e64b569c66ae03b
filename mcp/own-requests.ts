import { McpError } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { FleetError } from '../core/errors.ts';
import type { Logger } from '../platform/log.ts';
import type { RequestContract, RequestContracts } from '../schemas/operator.ts';
import { ownErrorCode } from './json-rpc.ts';
import { toFleetError } from './reply.ts';

export type RequestHandlers<R extends RequestContracts> = {
  [K in keyof R]: (params: z.output<R[K]['params']>) => Promise<z.input<R[K]['result']>>;
};

export interface OwnRequest {
  answer: (params: unknown) => Promise<Record<string, unknown>>;
  overUrl: boolean;
}

/** Requests beyond MCP's own by method. Models call tools and nothing else: these are for programs of the user. */
export function createOwnRequests<R extends RequestContracts>(
  contracts: R,
  handlers: RequestHandlers<R>,
  log: Logger,
): Map<string, OwnRequest> {
  const served = new Map<string, OwnRequest>();
  for (const method in contracts) {
    const overUrl = contracts[method]?.overUrl === true;
    served.set(method, { answer: serve(method, contracts[method], handlers[method], log), overUrl });
  }
  return served;
}

function serve<C extends RequestContract>(
  method: string,
  contract: C,
  handler: (params: z.output<C['params']>) => Promise<z.input<C['result']>>,
  log: Logger,
): OwnRequest['answer'] {
  return async (params) => {
    try {
      const parsed = parse<C['params']>(contract.params, params);
      if (!parsed.success) throw new FleetError('INVALID_INPUT', `The params of ${method} do not fit.`);
      return { ...(await handler(parsed.data)) };
    } catch (error) {
      const shown = toFleetError(error, method, log);
      throw new McpError(ownErrorCode, shown.message, shown.toBody());
    }
  };
}

function parse<S extends z.ZodObject>(schema: S, value: unknown): z.ZodSafeParseResult<z.output<S>> {
  return schema.safeParse(value);
}
