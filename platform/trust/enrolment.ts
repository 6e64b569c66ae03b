import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { FleetError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import { enrolment, type Enrolment } from '../../schemas/descriptor.ts';
import { withFileLock } from '../file-lock.ts';

const lockTimeoutMs = 5_000;

/** 32 random bytes, in base64url. */
export function newNonce(): string {
  return randomBytes(32).toString('base64url');
}

/** undefined where no worker was ever enrolled. INVALID_INPUT where the file is broken: then none is. */
export function readEnrolment(file: string): Enrolment | undefined {
  const text = readOr(file);
  if (text === undefined) return undefined;
  const parsed = enrolment.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new FleetError('INVALID_INPUT', `${file} holds no list of workers.`, {
    next: 'Remove it, and enrol the workers anew with `codex-fleet trust add`.',
  });
}

/** The same, read again only when the file is another. */
export function watchEnrolment(file: string): () => Enrolment | undefined {
  let seen = '';
  let known: Enrolment | undefined;
  return () => {
    const stat = statSync(file, { throwIfNoEntry: false });
    const now = stat === undefined ? '' : [stat.ino, stat.mtimeMs, stat.size].join(' ');
    if (now !== seen) {
      known = readEnrolment(file);
      seen = now;
    }
    return known;
  };
}

/** Changes it as one step, whoever else does. */
export async function changeEnrolment(
  file: string,
  change: (known: Enrolment) => Enrolment | Promise<Enrolment>,
): Promise<Enrolment> {
  return withFileLock(`${file}.lock`, lockTimeoutMs, async () => {
    const known = readEnrolment(file) ?? { audience: newNonce(), revocation_epoch: 0, workers: {} };
    const changed = await change(known);
    writeFileSync(`${file}.new`, JSON.stringify(changed), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return changed;
  });
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
