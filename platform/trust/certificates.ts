import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { isIP } from 'node:net';
import { bits, integer, octets, oid, sequence, setOf, tagged, time, utf8, yes } from './der.ts';

/** A private key and the certificate of it, both PEM. */
export interface Certified {
  key: string;
  certificate: string;
}

interface Subject {
  /** Its common name. */
  name: string;
  /** Names and addresses it answers to. */
  hosts: readonly string[];
  use: 'server' | 'client';
}

interface Times {
  /** ms since the epoch. */
  from: number;
  to: number;
}

export interface Authority {
  name: string;
  key: KeyObject;
}

/** Of the clocks of two machines: a certificate is good from a little before it is made. */
const skewMs = 300_000;
const names = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternatives: '2.5.29.17',
  constraints: '2.5.29.19',
  authorityKey: '2.5.29.35',
  extendedUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
} as const;
/** Bits of keyUsage, first bit first: signatures; certificates and lists of revoked ones. */
const forSigning = bits(Buffer.from([0x80]), 7);
const forCertifying = bits(Buffer.from([0x06]), 1);

/** The key of an authority of our own, and its certificate: X.509 v3, ECDSA on P-256. */
export function makeAuthority(name: string, { from, to }: Times): Certified {
  const key = newKey();
  const extensions = [
    extension(names.constraints, 'critical', sequence(yes, integer(Buffer.from([0])))),
    extension(names.keyUsage, 'critical', forCertifying),
  ];
  return certify({ name, key }, name, key, { from, to }, extensions);
}

/** A key and its certificate, signed by an authority. */
export function makeCertificate(by: Authority, { name, hosts, use }: Subject, times: Times): Certified {
  const extensions = [
    extension(names.constraints, 'critical', sequence()),
    extension(names.keyUsage, 'critical', forSigning),
    extension(names.extendedUsage, 'plain', sequence(oid(names[use]))),
    ...(hosts.length === 0 ? [] : [extension(names.alternatives, 'plain', sequence(...hosts.map(hostName)))]),
  ];
  return certify(by, name, newKey(), times, extensions);
}

function certify(by: Authority, name: string, key: KeyObject, times: Times, extensions: Buffer[]): Certified {
  const algorithm = sequence(oid(names.ecdsaWithSha256));
  const keys = [
    extension(names.subjectKey, 'plain', octets(keyId(key))),
    extension(names.authorityKey, 'plain', sequence(tagged(0x80, keyId(by.key)))),
  ];
  const version3 = tagged(0xa0, integer(Buffer.from([2])));
  // Its first bit set, so that it has one length and no zeros before it.
  const serial = randomBytes(16);
  serial[0] = 0x80 | (serial[0] ?? 0);
  const content = sequence(
    version3,
    integer(serial),
    algorithm,
    commonName(by.name),
    sequence(time(times.from - skewMs), time(times.to)),
    commonName(name),
    publicBytes(key),
    tagged(0xa3, sequence(...extensions, ...keys)),
  );
  const der = sequence(content, algorithm, bits(sign('sha256', content, by.key)));
  const lines = der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function publicBytes(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha256').update(publicBytes(key)).digest().subarray(0, 20);
}

function commonName(name: string): Buffer {
  return sequence(setOf(sequence(oid(names.commonName), utf8(name))));
}

function extension(name: string, how: 'critical' | 'plain', value: Buffer): Buffer {
  return sequence(oid(name), ...(how === 'critical' ? [yes] : []), octets(value));
}

function hostName(host: string): Buffer {
  return isIP(host) === 0 ? tagged(0x82, Buffer.from(host, 'ascii')) : tagged(0x87, addressBytes(host));
}

/** Of an IPv6 address with what `::` leaves out. */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((one) => parseInt(one, 16));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
