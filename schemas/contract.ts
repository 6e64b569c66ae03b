import type { z } from 'zod';
import type { ErrorCode } from './errors.ts';

/** What a client may assume of a tool before calling it (MCP tool annotations). */
export interface Annotations {
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  openWorldHint: boolean;
}

/**
 * All that is ever written about a tool. Inputs and outputs are flat objects: a union at the root
 * is advertised without fields by MCP SDKs.
 */
export interface Contract<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  title: string;
  description: string;
  input: Input;
  output: Output;
  annotations: Annotations;
  errors: readonly ErrorCode[];
  /** Most bytes of a reply's JSON; default `maxReplyBytes`. */
  maxReplyBytes?: number;
  example: { input: z.input<Input>; output: z.input<Output> };
}

export type Contracts = Record<string, Contract>;

/** Keeps the literal types of one contract while checking its example against its schemas. */
export function defineContract<Input extends z.ZodObject, Output extends z.ZodObject>(
  contract: Contract<Input, Output>,
): Contract<Input, Output> {
  return contract;
}
