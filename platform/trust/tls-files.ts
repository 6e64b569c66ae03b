import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FleetError } from '../../core/errors.ts';

/** One side of TLS, as a folder holds it: `cert.pem`, `key.pem`, and `ca.pem`, by which the other side is judged. */
export interface TlsFiles {
  cert: string;
  key: string;
  ca: string;
}

/** INVALID_INPUT where the folder is none of these, its key can be read by others, or its certificate is past. */
export function readTls(dir: string, now: number): TlsFiles {
  const files = {
    cert: readPart(dir, 'cert.pem'),
    key: readPart(dir, 'key.pem'),
    ca: readPart(dir, 'ca.pem'),
  };
  if ((statSync(join(dir, 'key.pem')).mode & 0o077) !== 0) {
    throw unusable(dir, 'others can read key.pem', `chmod 600 ${join(dir, 'key.pem')}`);
  }
  const { validTo } = certificateIn(dir, files.cert);
  if (Date.parse(validTo) <= now) {
    throw unusable(dir, `its certificate expired on ${validTo}`, 'Make another with `codex-fleet certs`.');
  }
  return files;
}

/** Names and addresses the certificate of a folder is for, as in URLs. */
export function hostsOf(cert: string): string[] {
  const { subjectAltName = '' } = new X509Certificate(cert);
  return subjectAltName.split(', ').flatMap((one) => {
    const [, kind, value = ''] = /^(DNS|IP Address):(.+)$/.exec(one) ?? [];
    if (kind === undefined) return [];
    return [value.includes(':') ? new URL(`https://[${value}]`).hostname : value];
  });
}

/** SHA-256 of a certificate, in hex. */
export function fingerprint(cert: string): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** The clients a server's folder names, by the fingerprints of their certificates: one a line. */
export function readClients(dir: string): ReadonlySet<string> {
  const lines = readPart(dir, 'clients').split('\n');
  return new Set(lines.filter((line) => /^[0-9a-f]{64}$/.test(line)));
}

/** What tells one state of a folder from another. */
export function stateOf(dir: string): string {
  const parts = ['cert.pem', 'key.pem', 'ca.pem', 'clients'].map((name) => {
    const stat = statSync(join(dir, name), { throwIfNoEntry: false });
    return stat === undefined ? '' : `${String(stat.ino)} ${String(stat.mtimeMs)} ${String(stat.size)}`;
  });
  return parts.join('\n');
}

function certificateIn(dir: string, cert: string): X509Certificate {
  try {
    return new X509Certificate(cert);
  } catch {
    throw unusable(dir, 'cert.pem holds no certificate', 'Make one with `codex-fleet certs`.');
  }
}

function readPart(dir: string, name: string): string {
  try {
    return readFileSync(join(dir, name), 'utf8');
  } catch {
    throw unusable(dir, `there is no ${name}`, 'Make them with `codex-fleet certs`.');
  }
}

function unusable(dir: string, why: string, next: string): FleetError {
  return new FleetError('INVALID_INPUT', `No TLS by ${dir}: ${why}.`, { next });
}
