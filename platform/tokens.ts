import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { FleetError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import { tokenFile, type TokenRecord } from '../schemas/principal.ts';
import { withFileLock } from './file-lock.ts';

const lockTimeoutMs = 5_000;

/** 256 random bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The tokens there are; none where the file is not there. INVALID_INPUT where it is no such file. */
export function readTokens(file: string): readonly TokenRecord[] {
  const text = readOr(file);
  if (text === undefined) return [];
  const parsed = tokenFile.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.tokens;
  throw new FleetError('INVALID_INPUT', `${file} holds no list of tokens.`, {
    next: 'Remove it: the secret in http-secret stays valid, other tokens have to be made anew.',
  });
}

/**
 * The same for who asks at every request: read again only when the file is another. None where it is
 * broken, which lets nobody in.
 */
export function watchTokens(file: string, onBroken: (error: unknown) => void): () => readonly TokenRecord[] {
  let seen = '';
  let tokens: readonly TokenRecord[] = [];
  return () => {
    const stat = statSync(file, { throwIfNoEntry: false });
    const now = stat === undefined ? '' : [stat.ino, stat.mtimeMs, stat.size].join(' ');
    if (now === seen) return tokens;
    seen = now;
    try {
      tokens = readTokens(file);
    } catch (error) {
      tokens = [];
      onBroken(error);
    }
    return tokens;
  };
}

/** Changes the list as one step, whoever else does; those long out of date go. */
export async function changeTokens<T>(
  file: string,
  now: number,
  change: (tokens: readonly TokenRecord[]) => { tokens: readonly TokenRecord[]; result: T },
): Promise<T> {
  return withFileLock(`${file}.lock`, lockTimeoutMs, async () => {
    const known = readTokens(file).filter(({ expires_at: end }) => end === undefined || end > now);
    const { tokens, result } = change(known);
    writeFileSync(`${file}.new`, JSON.stringify({ tokens }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return result;
  });
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
