import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { FleetError } from '../../core/errors.ts';

type Kind = 'loopback' | 'private' | 'public' | 'never';

/** Prefixes of IANA's special-purpose registries (RFC 6890). */
const prefixes: Readonly<Record<Exclude<Kind, 'public'>, readonly [string, number][]>> = {
  loopback: [
    ['127.0.0.0', 8],
    ['::1', 128],
  ],
  private: [
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['100.64.0.0', 10],
    ['fc00::', 7],
    ['fec0::', 10],
  ],
  // This network, link-local (where clouds keep their metadata), multicast, and IPv4 behind IPv6. BlockList itself takes ::ffff:a.b.c.d for a.b.c.d.
  never: [
    ['0.0.0.0', 8],
    ['169.254.0.0', 16],
    ['192.0.0.0', 24],
    ['198.18.0.0', 15],
    ['224.0.0.0', 3],
    ['::', 96],
    ['::ffff:0:0:0', 96],
    ['64:ff9b::', 96],
    ['64:ff9b:1::', 48],
    ['100::', 64],
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['fe80::', 10],
    ['ff00::', 8],
  ],
};

/** All addresses of a name. */
type Resolve = (host: string) => Promise<string[]>;

const bySystem: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

const lists = {
  loopback: listOf(prefixes.loopback),
  private: listOf(prefixes.private),
  never: listOf(prefixes.never),
};

export function kindOfAddress(address: string): Kind {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (lists.loopback.check(address, family)) return 'loopback';
  if (lists.never.check(address, family)) return 'never';
  return lists.private.check(address, family) ? 'private' : 'public';
}

/**
 * Refuses the URL of a worker that leads where none can be: INVALID_INPUT for plain HTTP beyond this
 * machine, for private networks without `allowPrivate`, and for addresses that are nobody's host. Every
 * address of a name has to be right; answers them, so that no other is connected to.
 */
export async function checkWorkerUrl(
  name: string,
  url: string,
  allowPrivate: boolean,
  resolve: Resolve = bySystem,
): Promise<string[]> {
  const { protocol, hostname, username, password } = new URL(url);
  const refuse = (why: string, next: string): never => {
    throw new FleetError('INVALID_INPUT', `"remote_workers.${name}.url" ${why}.`, { next });
  };
  if (username !== '' || password !== '') refuse('holds credentials', 'Put them into its "secret".');
  if (protocol !== 'http:' && protocol !== 'https:') refuse('is neither http nor https', 'Use https.');
  const addresses = await addressesOf(hostname.replaceAll(/^\[|\]$/g, ''), resolve);
  const kinds = new Set(addresses.map(kindOfAddress));
  if (kinds.has('never')) refuse('leads to an address that is no host', 'Name the host of the worker.');
  if (protocol === 'http:' && [...kinds].some((kind) => kind !== 'loopback')) {
    refuse('leaves this machine without TLS', 'Use https, or a tunnel to a port of this machine.');
  }
  if (kinds.has('private') && !allowPrivate) {
    refuse('leads into a private network', `Set "remote_workers.${name}.allow_private" where that is meant.`);
  }
  return addresses;
}

async function addressesOf(host: string, resolve: Resolve): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return await resolve(host);
  } catch (cause) {
    throw new FleetError('WORKER_UNAVAILABLE', `There is no address of ${host}.`, { cause });
  }
}

function listOf(all: readonly [string, number][]): BlockList {
  const list = new BlockList();
  for (const [net, bits] of all) list.addSubnet(net, bits, isIP(net) === 6 ? 'ipv6' : 'ipv4');
  return list;
}
