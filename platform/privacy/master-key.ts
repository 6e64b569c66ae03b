import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { FleetError } from '../../core/errors.ts';
import { failpoint } from '../failpoint.ts';
import { keyBytes } from './keys.ts';

/** Master keys by version; the highest one encrypts, the others open what it has not yet encrypted anew. */
export interface MasterKeys {
  current: number;
  byVersion: ReadonlyMap<number, Buffer>;
}

const line = /^(\d{1,9}) ([0-9a-f]{64})$/;

/**
 * The master keys of a file only this user can read; made where there is none. WRONG_STATE where
 * others could read it, or what it holds are no keys: nothing is made anew over it.
 */
export function openMasterKeys(file: string): MasterKeys {
  const text = readPrivate(file) ?? create(file);
  const keys = text.trim().split('\n').map(readLine);
  const byVersion = new Map(keys.flatMap((key) => (key === undefined ? [] : [key])));
  if (byVersion.size !== keys.length) throw refused(file, 'is damaged');
  return { current: Math.max(...byVersion.keys()), byVersion };
}

/** Replaces the file whole. What processes left that died while they made it goes: old keys are of no use any more. */
export function saveMasterKeys(file: string, keys: ReadonlyMap<number, Uint8Array>): void {
  const lines = [...keys].map(([version, key]) => `${String(version)} ${Buffer.from(key).toString('hex')}\n`);
  write(`${file}.new`, lines.join(''));
  failpoint('master_key.before');
  renameSync(`${file}.new`, file);
  failpoint('master_key.after');
  for (const name of readdirSync(dirname(file))) {
    if (isLeftover(file, name)) rmSync(join(dirname(file), name), { force: true });
  }
}

/** `master-key.4711`: of the process that made it, or was about to. */
function isLeftover(file: string, name: string): boolean {
  const own = `${basename(file)}.`;
  return name.startsWith(own) && /^\d+$/.test(name.slice(own.length));
}

function readLine(text: string): [number, Buffer] | undefined {
  const [, version, key] = line.exec(text) ?? [];
  return version === undefined || key === undefined ? undefined : [Number(version), Buffer.from(key, 'hex')];
}

/** Of several processes that make it at once, one does, and whole: the others read what it made. */
function create(file: string): string {
  const text = `1 ${randomBytes(keyBytes).toString('hex')}\n`;
  const own = `${file}.${String(process.pid)}`;
  write(own, text);
  try {
    failpoint('master_key.before');
    linkSync(own, file);
    failpoint('master_key.after');
    return text;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return readPrivate(file) ?? '';
  } finally {
    rmSync(own, { force: true });
  }
}

function write(file: string, text: string): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const fd = openSync(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function readPrivate(file: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw refused(file, 'cannot be opened', error);
  }
  try {
    const stat = fstatSync(fd);
    if (stat.uid !== userInfo().uid || (stat.mode & 0o077) !== 0)
      throw refused(file, 'can be read by others');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function refused(file: string, what: string, cause?: unknown): FleetError {
  return new FleetError('WRONG_STATE', `The master key ${file} ${what}.`, {
    next: 'Put it right (mode 600) or restore it; without it what surrogates stand for is lost.',
    cause,
  });
}
