import { whyRefused, type Judging } from '../../core/trust/judge-descriptor.ts';
import {
  descriptorClaims,
  keyClaims,
  type DescriptorClaims,
  type EnrolledKey,
  type Signed,
} from '../../schemas/descriptor.ts';
import { openSigned } from './jws.ts';

const badSignature = 'no enrolled key has signed it as it is';

/** The keys that count at a moment, by thumbprint. */
function keysAt(keys: readonly EnrolledKey[], now: number): (kid: string) => string | undefined {
  return (kid) => keys.find((one) => one.kid === kid && (one.until === undefined || now < one.until))?.key;
}

export type Opened = { ok: true; claims: DescriptorClaims } | { ok: false; why: string };

/** A descriptor that is signed, of the right shape, and good for what it was asked for. */
export function openDescriptor(signed: Signed, keys: readonly EnrolledKey[], judging: Judging): Opened {
  const opened = openSigned(signed, 'fleet-worker+jws', keysAt(keys, judging.now));
  if (opened === undefined) return { ok: false, why: badSignature };
  const parsed = descriptorClaims.safeParse(opened);
  if (!parsed.success) return { ok: false, why: 'it has another shape than this version expects' };
  const why = whyRefused(parsed.data, judging);
  return why === undefined ? { ok: true, claims: parsed.data } : { ok: false, why };
}

/** The key a worker goes over to, where one that counts now has signed that; undefined where none has. */
export function openNextKey(
  signed: Signed,
  keys: readonly EnrolledKey[],
  expected: { worker_id: string; audience: string; nonce: string; now: number },
): string | undefined {
  const parsed = keyClaims.safeParse(openSigned(signed, 'fleet-key+jws', keysAt(keys, expected.now)));
  if (!parsed.success) return undefined;
  const { worker_id: worker, audience, nonce, next_key: next } = parsed.data;
  const isOurs = worker === expected.worker_id && audience === expected.audience && nonce === expected.nonce;
  return isOurs ? next : undefined;
}
