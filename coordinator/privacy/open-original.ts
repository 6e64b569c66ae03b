import { FleetError } from '../../core/errors.ts';
import { keyBytes } from '../../platform/privacy/keys.ts';
import { createOpener } from '../../platform/privacy/sealing.ts';
import { workerRequests } from '../../schemas/operator.ts';
import { frameContext, lengthBytes, type OriginalName } from '../../schemas/privacy.ts';
import type { WorkerLink } from '../fleet/worker-link.ts';
import type { Scope } from './vault.ts';

const method = 'codex-fleet/sealed_original';
/** All of it passes through memory. */
const mostBytes = 256 * 1024 * 1024;

/** To the byte; undefined where its worker keeps nothing beside the guarded form: then that is it. */
export async function openOriginal(
  link: WorkerLink,
  scope: Scope,
  remoteRunId: string,
  name: OriginalName,
): Promise<Buffer | undefined> {
  const sealed = await fetchSealed(link, remoteRunId, name);
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

async function fetchSealed(link: WorkerLink, remoteRunId: string, name: OriginalName): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let from = 0; from <= mostBytes;) {
    const { data } = await link.request(method, workerRequests[method], { run_id: remoteRunId, name, from });
    const part = Buffer.from(data, 'base64');
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
