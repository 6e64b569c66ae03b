import { FleetError } from '../../core/errors.ts';
import { keyBytes } from '../../platform/privacy/keys.ts';
import { createOpener } from '../../platform/privacy/sealing.ts';
import { workerRequests } from '../../schemas/operator.ts';
import { frameContext, lengthBytes } from '../../schemas/privacy.ts';
import type { WorkerLink } from '../fleet/worker-link.ts';
import type { Scope } from './vault.ts';

const method = 'codex-fleet/sealed_diff';
/** All of a diff passes through memory: what is larger has to be read by the worker's own page. */
const mostBytes = 256 * 1024 * 1024;

/** A run's diff to the byte; undefined where its worker keeps none beside the guarded one: then that is it. */
export async function openDiff(
  link: WorkerLink,
  scope: Scope,
  remoteRunId: string,
): Promise<Buffer | undefined> {
  const sealed = await fetchDiff(link, remoteRunId);
  if (sealed.length === 0) return undefined;
  const open = createOpener(scope.privateKey, sealed.subarray(0, keyBytes));
  const parts: Buffer[] = [];
  let at = keyBytes;
  for (let frame = 0; ; frame++) {
    const end = at + lengthBytes + (at + lengthBytes <= sealed.length ? sealed.readUInt32LE(at) : 0);
    const box = sealed.subarray(at + lengthBytes, end);
    const isLast = end >= sealed.length;
    const part = open(box, frameContext(scope.id, remoteRunId, frame, isLast));
    if (part === undefined) throw damaged();
    parts.push(part);
    if (isLast) return Buffer.concat(parts);
    at = end;
  }
}

async function fetchDiff(link: WorkerLink, remoteRunId: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let from = 0; from <= mostBytes;) {
    const { data } = await link.request(method, workerRequests[method], { run_id: remoteRunId, from });
    const part = Buffer.from(data, 'base64');
    if (part.length === 0) return Buffer.concat(parts);
    parts.push(part);
    from += part.length;
  }
  throw new FleetError('INVALID_INPUT', 'The diff is too large to be opened at once.');
}

function damaged(): FleetError {
  return new FleetError('INTERNAL', 'The diff the worker keeps is not whole, or not of this run.', {
    next: 'Read its guarded form by its handle.',
  });
}
