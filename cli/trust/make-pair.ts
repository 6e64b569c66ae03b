import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDir } from '../../platform/paths.ts';
import { makeAuthority, makeCertificate, type Certified } from '../../platform/trust/certificates.ts';
import { fingerprint, hostsOf, readClients } from '../../platform/trust/tls-files.ts';

export interface PairOptions {
  name: string;
  /** None: those of the pair before. The loopback is always among them. */
  hosts: readonly string[];
  days: number;
  /** Whether the clients made before are let in no more. */
  isOnly: boolean;
  /** ms since the epoch. */
  now: number;
}

/** Folders of a server and of its client, as `tls` takes them. */
export interface Pair {
  server: string;
  client: string;
  hosts: readonly string[];
  expires: string;
}

const dayMs = 86_400_000;
const authorityDays = 3_650;

export function makePair(dir: string, { name, hosts: said, days, isOnly, now }: PairOptions): Pair {
  const ca = openAuthority(join(dir, 'authority'), now);
  const by = { name: commonNameOf(ca.certificate), key: createPrivateKey(ca.key) };
  const server = join(dir, name, 'server');
  const client = join(dir, name, 'client');
  for (const one of [dir, join(dir, name), server, client]) makePrivateDir(one);
  const hosts = [
    ...new Set([...(said.length > 0 ? said : hostsBefore(server)), 'localhost', '127.0.0.1', '::1']),
  ];
  // No certificate outlives the authority that has signed it.
  const end = Math.min(now + days * dayMs, Date.parse(new X509Certificate(ca.certificate).validTo));
  const times = { from: now, to: end };
  const theirs = makeCertificate(by, { name, hosts, use: 'server' }, times);
  const ours = makeCertificate(by, { name: `${name}-client`, hosts: [], use: 'client' }, times);
  const before = isOnly || !existsSync(join(server, 'clients')) ? [] : [...readClients(server)];
  // The last one and this: who renews twice meant to.
  const clients = [...before.slice(-1), fingerprint(ours.certificate)];
  replaceFile(join(server, 'clients'), `${clients.join('\n')}\n`);
  writeSide(server, theirs, ca);
  writeSide(client, ours, ca);
  return { server, client, hosts, expires: new Date(end).toISOString() };
}

/** Made where there is none, or where its time is over. */
function openAuthority(dir: string, now: number): Certified {
  makePrivateDir(dir);
  const [certFile, keyFile] = [join(dir, 'ca.pem'), join(dir, 'key.pem')];
  if (existsSync(certFile) && existsSync(keyFile)) {
    const certificate = readFileSync(certFile, 'utf8');
    if (Date.parse(new X509Certificate(certificate).validTo) > now) {
      return { certificate, key: readFileSync(keyFile, 'utf8') };
    }
  }
  // Another name for another key: who keeps both must be able to tell them apart.
  const name = `codex-fleet authority ${String(now)}`;
  const made = makeAuthority(name, { from: now, to: now + authorityDays * dayMs });
  replaceFile(keyFile, made.key);
  replaceFile(certFile, made.certificate);
  return made;
}

function commonNameOf(certificate: string): string {
  return new X509Certificate(certificate).subject.replace(/^CN=/, '');
}

function hostsBefore(server: string): string[] {
  const file = join(server, 'cert.pem');
  if (!existsSync(file)) return [];
  return hostsOf(readFileSync(file, 'utf8')).map((host) => host.replaceAll(/^\[|\]$/g, ''));
}

function writeSide(dir: string, { key, certificate }: Certified, ca: Certified): void {
  replaceFile(join(dir, 'ca.pem'), ca.certificate);
  replaceFile(join(dir, 'key.pem'), key);
  replaceFile(join(dir, 'cert.pem'), certificate);
}

function replaceFile(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
