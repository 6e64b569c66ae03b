import { createHash } from 'node:crypto';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { accept, renewAt, type Accepted } from '../../core/trust/judge-descriptor.ts';
import { hashTools, sameTools } from '../../core/trust/tool-hashes.ts';
import { newNonce, watchEnrolment } from '../../platform/trust/enrolment.ts';
import { openDescriptor } from '../../platform/trust/open-descriptor.ts';
import type { DescriptorClaims, EnrolledWorker, Enrolment } from '../../schemas/descriptor.ts';
import { workerRequests } from '../../schemas/operator.ts';
import type { WorkerLink } from '../fleet/worker-link.ts';

type Asking = Pick<WorkerLink, 'request'>;

/** How a worker stands with us: `finish` ends what it has and gets nothing new. */
export type Standing = 'trusted' | 'finish' | 'refused';

/** Lets workers elsewhere prove who they are, by keys that were enrolled. */
export interface Prover {
  /** Before anything else is asked of it. UNAUTHORIZED where it cannot. */
  prove(name: string, url: string, link: Asking): Promise<DescriptorClaims>;
  /** The same again once its proof is half through its time, or a revocation came since; undefined until then. */
  renew(name: string, url: string, link: Asking): Promise<DescriptorClaims | undefined>;
  standing(name: string): Standing;
}

interface Proof {
  accepted: Accepted;
  renewAt: number;
  revocationEpoch: number;
}

const proveTimeoutMs = 8_000;
const toolList = {
  params: z.strictObject({}),
  result: z.looseObject({ tools: z.array(z.looseObject({ name: z.string() })).max(64) }),
};

/** `isBusy`: whether a worker has something of ours that it may finish. */
export function createProver(
  enrolmentFile: string,
  now: () => number,
  isBusy: (name: string) => boolean,
): Prover {
  const enrolment = watchEnrolment(enrolmentFile);
  const proofs = new Map<string, Proof>();

  function find(name: string): { known: Enrolment; worker: EnrolledWorker } {
    const known = enrolment();
    const worker = known === undefined ? undefined : new Map(Object.entries(known.workers)).get(name);
    if (known === undefined || worker === undefined) {
      throw new FleetError('UNAUTHORIZED', `Worker ${name} is not enrolled.`, {
        next: `\`codex-fleet trust add ${name}\` shows its key and enrols it.`,
      });
    }
    return { known, worker };
  }
  function standing(name: string): Standing {
    const { revoked } = find(name).worker;
    if (revoked === undefined) return 'trusted';
    return revoked === 'finish' && isBusy(name) ? 'finish' : 'refused';
  }
  async function prove(name: string, url: string, link: Asking): Promise<DescriptorClaims> {
    if (standing(name) === 'refused') throw refused(name, 'it was revoked');
    const { known, worker } = find(name);
    const asked = {
      audience: known.audience,
      nonce: newNonce(),
      revocation_epoch: known.revocation_epoch,
    };
    const contract = workerRequests['codex-fleet/descriptor'];
    const options = { timeoutMs: proveTimeoutMs };
    const signed = await link.request('codex-fleet/descriptor', contract, asked, options);
    const transport = url.startsWith('https:') ? 'https' : 'http';
    const accepted = proofs.get(name)?.accepted;
    const at = now();
    const opened = openDescriptor(signed, worker.keys, { asked, worker, transport, accepted, now: at });
    if (!opened.ok) throw refused(name, opened.why);
    const { claims } = opened;
    const { tools } = await link.request('tools/list', toolList, {}, options);
    if (!sameTools(hashTools(tools, sha256), claims.tools)) {
      throw refused(name, 'its tools are not those it has signed');
    }
    proofs.set(name, {
      accepted: accept(claims, accepted),
      renewAt: renewAt(claims, at),
      revocationEpoch: asked.revocation_epoch,
    });
    return claims;
  }
  return {
    prove,
    async renew(name, url, link) {
      const proof = proofs.get(name);
      const isDue = proof === undefined || now() >= proof.renewAt;
      const isLate = isDue || find(name).known.revocation_epoch !== proof.revocationEpoch;
      return isLate ? prove(name, url, link) : undefined;
    },
    standing(name) {
      try {
        return standing(name);
      } catch {
        return 'refused';
      }
    },
  };
}

function refused(name: string, why: string): FleetError {
  return new FleetError('UNAUTHORIZED', `What worker ${name} says of itself does not count: ${why}.`, {
    next: `\`codex-fleet trust list\` shows the workers that are enrolled.`,
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
