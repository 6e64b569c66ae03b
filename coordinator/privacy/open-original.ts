import { FleetError } from '../../core/errors.ts';
import { keyBytes } from '../../platform/privacy/keys.ts';
import { createOpener } from '../../platform/privacy/sealing.ts';
import { frameContext, lengthBytes, type OriginalName } from '../../schemas/privacy.ts';
import type { Scope } from './vault.ts';

/** All of it passes through memory. */
const mostBytes = 256 * 1024 * 1024;

/** A stretch of what is kept sealed, in base64, from a byte on; empty behind its end. */
export type FetchSealed = (from: number) => Promise<string>;

/** To the byte; undefined where its worker keeps nothing beside the guarded form: then that is it. */
export async function openOriginal(
  fetch: FetchSealed,
  scope: Scope,
  remoteRunId: string,
  name: OriginalName,
): Promise<Buffer | undefined> {
  const sealed = await fetchAll(fetch);
  if (sealed.length === 0) return undefined;
  const open = createOpener(scope.privateKey, sealed.subarray(0, keyBytes));
  const parts: Buffer[] = [];
  let at = keyBytes;
  for (let frame = 0; ; frame++) {
    const end = at + lengthBytes + (at + lengthBytes <= sealed.length ? sealed.readUInt32LE(at) : 0);
    const box = sealed.subarray(at + lengthBytes, end);
    const isLast = end >= sealed.length;
    const part = open(box, frameContext(scope.id, remoteRunId, name, frame, isLast));
    if (part === undefined) throw damaged();
    parts.push(part);
    if (isLast) return Buffer.concat(parts);
    at = end;
  }
}

async function fetchAll(fetch: FetchSealed): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let from = 0; from <= mostBytes;) {
    const part = Buffer.from(await fetch(from), 'base64');
    if (part.length === 0) return Buffer.concat(parts);
    parts.push(part);
    from += part.length;
  }
  throw new FleetError('INVALID_INPUT', 'It is too large to be opened at once.');
}

function damaged(): FleetError {
  return new FleetError('INTERNAL', 'What the worker keeps sealed is not whole, or not of this handle.', {
    next: 'Read its guarded form by its handle.',
  });
}
