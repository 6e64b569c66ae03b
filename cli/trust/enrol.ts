import { FleetError } from '../../core/errors.ts';
import { rotatedForMs } from '../../core/trust/token-list.ts';
import type { Peer } from '../../mcp/client.ts';
import { changeEnrolment, newNonce } from '../../platform/trust/enrolment.ts';
import { thumbprint } from '../../platform/trust/jws.ts';
import { openDescriptor, openNextKey } from '../../platform/trust/open-descriptor.ts';
import type { EnrolledKey, EnrolledWorker, Enrolment } from '../../schemas/descriptor.ts';
import { workerRequests } from '../../schemas/operator.ts';
import type { WorkerContracts } from '../../schemas/tools.ts';

type Worker = Peer<WorkerContracts>;

/** Enrols the key a worker has now, once it has shown that it holds it. `expected`: no other key will do. */
export async function enrol(
  file: string,
  name: string,
  peer: Worker,
  url: string,
  expected: string | undefined,
): Promise<EnrolledWorker> {
  const identity = 'codex-fleet/identity';
  const { worker_id: workerId, key } = await peer.request(identity, workerRequests[identity], {});
  const kid = thumbprint(key);
  if (expected !== undefined && expected !== kid) {
    throw new FleetError('UNAUTHORIZED', `Worker ${name} has the key ${kid}, and not ${expected}.`, {
      next: 'Find out who answers there before you trust it.',
    });
  }
  const changed = await changeEnrolment(file, async (known) => {
    if (known.workers[name] !== undefined && known.workers[name].revoked === undefined) {
      throw new FleetError('CONFLICT', `Worker ${name} is enrolled.`, {
        next: 'Revoke it first, or rotate its key.',
      });
    }
    const worker = { worker_id: workerId, keys: [{ kid, key, added_at: Date.now() }] };
    await checkProof(known, worker, peer, url);
    return withWorker(known, name, worker);
  });
  return entryOf(changed, name);
}

async function checkProof(
  { audience, revocation_epoch }: Enrolment,
  worker: EnrolledWorker,
  peer: Worker,
  url: string,
): Promise<void> {
  const method = 'codex-fleet/descriptor';
  const asked = { audience, nonce: newNonce(), revocation_epoch };
  const signed = await peer.request(method, workerRequests[method], asked);
  const transport = url.startsWith('https:') ? 'https' : 'http';
  const judging = { asked, worker, transport, accepted: undefined, now: Date.now() } as const;
  const opened = openDescriptor(signed, worker.keys, judging);
  if (!opened.ok) throw new FleetError('UNAUTHORIZED', `It cannot prove its key: ${opened.why}.`);
}

/** Lets a worker go over to its next key, which the one before it has signed; that one counts for 24 h more. */
export async function rotateKey(file: string, name: string, peer: Worker): Promise<EnrolledWorker> {
  const method = 'codex-fleet/rotate_key';
  const contract = workerRequests[method];
  let next = '';
  const changed = await changeEnrolment(file, async (known) => {
    const worker = entryOf(known, name);
    const asked = { audience: known.audience, nonce: newNonce() };
    const now = Date.now();
    const expected = { ...asked, worker_id: worker.worker_id, now };
    const key = openNextKey(await peer.request(method, contract, asked), worker.keys, expected);
    if (key === undefined) {
      throw new FleetError('UNAUTHORIZED', `No enrolled key of ${name} has signed the next.`);
    }
    next = key;
    const newest: EnrolledKey = { kid: thumbprint(key), key, added_at: now };
    const [last] = worker.keys.filter((one) => one.kid !== newest.kid).slice(-1);
    const keys = last === undefined ? [newest] : [{ ...last, until: now + rotatedForMs }, newest];
    return withWorker(known, name, { ...worker, keys });
  });
  await peer.request(method, contract, { audience: changed.audience, nonce: newNonce(), turn_to: next });
  return entryOf(changed, name);
}

/** No run for it from now on, nor for anything it has signed before. */
export async function revoke(file: string, name: string, how: 'cancel' | 'finish'): Promise<EnrolledWorker> {
  const changed = await changeEnrolment(file, (known) => ({
    ...withWorker(known, name, { ...entryOf(known, name), revoked: how }),
    revocation_epoch: known.revocation_epoch + 1,
  }));
  return entryOf(changed, name);
}

function withWorker(known: Enrolment, name: string, worker: EnrolledWorker): Enrolment {
  return { ...known, workers: { ...known.workers, [name]: worker } };
}

function entryOf({ workers }: Enrolment, name: string): EnrolledWorker {
  const worker = new Map(Object.entries(workers)).get(name);
  if (worker !== undefined) return worker;
  throw new FleetError('NOT_FOUND', `Worker ${name} is not enrolled.`, {
    next: `\`codex-fleet trust add ${name}\` enrols it.`,
  });
}
