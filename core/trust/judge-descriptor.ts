import type { DescriptorAsk, DescriptorClaims, EnrolledWorker } from '../../schemas/descriptor.ts';

/** No descriptor is good for longer. */
export const maxLifeMs = 600_000;
/** How far the clocks of two machines may be apart. */
export const skewMs = 30_000;

/** What was accepted of a worker so far. */
export interface Accepted {
  epoch: string;
  seq: number;
  /** Boots that others came after: they do not come back. */
  past: ReadonlySet<string>;
}

export interface Judging {
  asked: DescriptorAsk;
  worker: Pick<EnrolledWorker, 'worker_id'>;
  transport: DescriptorClaims['transport'];
  accepted: Accepted | undefined;
  /** ms since the epoch. */
  now: number;
}

/** Why what a worker has signed does not count; undefined where it does. */
export function whyRefused(claims: DescriptorClaims, judging: Judging): string | undefined {
  const { asked, worker, transport, accepted, now } = judging;
  if (claims.worker_id !== worker.worker_id) return 'it is of another worker';
  if (claims.audience !== asked.audience) return 'it is for another fleet';
  if (claims.nonce !== asked.nonce) return 'it was not made for this question';
  if (claims.revocation_epoch !== asked.revocation_epoch) return 'it is from before a revocation';
  if (claims.transport !== transport) return 'it is for another transport';
  if (claims.expires_at - claims.issued_at > maxLifeMs) return 'it is good for too long';
  if (claims.issued_at > now + skewMs) return 'it is of the future';
  if (claims.expires_at <= now) return 'it has expired';
  if (accepted?.past.has(claims.epoch) === true) return 'it is of an earlier boot';
  if (accepted?.epoch === claims.epoch && claims.seq <= accepted.seq) return 'it was used before';
  return undefined;
}

export function accept({ epoch, seq }: DescriptorClaims, before: Accepted | undefined): Accepted {
  const past = new Set(before?.past);
  if (before !== undefined && before.epoch !== epoch) past.add(before.epoch);
  return { epoch, seq, past };
}

/** Half of its life is over: time for the next. */
export function renewAt({ issued_at: from, expires_at: to }: DescriptorClaims, now: number): number {
  return now + Math.max(1_000, Math.min(to - now, to - from) / 2);
}
