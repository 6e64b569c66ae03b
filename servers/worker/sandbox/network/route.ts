import { lookup } from 'node:dns/promises';
import { grants } from '../../../../core/network-grant.ts';
import { kindOfAddress } from '../../../../platform/trust/worker-address.ts';
import type { NetworkGrant } from '../../../../schemas/network.ts';
import type { Asked, Refused } from './asked.ts';

/** What a run may reach. */
export interface Reach {
  grant: NetworkGrant;
  /** Whether a listed name may lead into a private network. */
  allowPrivate: boolean;
}

export type LookUp = (name: string) => Promise<string[]>;

/** Looking up takes threads that all of a worker shares: those of a run that asks much must not be all of them. */
const mostAtOnce = 2;
let busy = 0;
const waiting: (() => void)[] = [];

/**
 * The addresses to connect to, and to no others: who answers for a name may answer otherwise the next time.
 * Every one of them has to be right.
 */
export async function routeTo(
  { host, port }: Asked,
  { grant, allowPrivate }: Reach,
  look: LookUp = lookUp,
): Promise<string[] | Refused> {
  if (!grants(grant, host, port)) return { status: 403, why: 'it is not in the list "network"' };
  const addresses = host.isAddress ? [host.name] : await look(host.name).catch(() => []);
  if (addresses.length === 0) return { status: 502, why: 'there is no such name' };
  const kinds = new Set(addresses.map(kindOfAddress));
  if (kinds.has('never')) return { status: 403, why: 'it leads to an address that is no host' };
  // Listed as such.
  if (host.isAddress) return addresses;
  if (kinds.has('loopback') && host.name !== 'localhost') {
    return { status: 403, why: 'it leads to this machine' };
  }
  if (kinds.has('private') && !allowPrivate) {
    return { status: 403, why: 'it leads into a private network, and "allow_private" is not set' };
  }
  return addresses;
}

async function lookUp(name: string): Promise<string[]> {
  if (busy >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else busy += 1;
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } finally {
    const next = waiting.shift();
    if (next === undefined) busy -= 1;
    else next();
  }
}
