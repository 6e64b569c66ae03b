import { z } from 'zod';
import { plainName } from './ids.ts';

/**
 * What the bearer of a token may do: `read` what is its owner's, `run` (start and steer, too), `admin`
 * (both, for the runs of all owners).
 */
export const scope = z.enum(['read', 'run', 'admin']);
export type Scope = z.infer<typeof scope>;

/** Who a request comes from. */
export interface Principal {
  /** Owner of the runs it starts. */
  owner: string;
  scope: Scope;
}

/** A SHA-256, in hex. */
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

/** A token as it is kept: never itself. Times are ms since the epoch. */
export const tokenRecord = z.strictObject({
  id: plainName,
  owner: plainName,
  scope,
  sha256: sha256Hex,
  created_at: z.int(),
  /** Not valid from then on. */
  expires_at: z.int().optional(),
  /** SHA-256 of the one client certificate it is valid with. */
  certificate: sha256Hex.optional(),
});
export type TokenRecord = z.infer<typeof tokenRecord>;

export const tokenFile = z.strictObject({ tokens: z.array(tokenRecord).max(1_000) });
