import { FleetError } from '../../core/errors.ts';
import type { Environment } from '../../platform/environment.ts';
import type { Config } from '../../schemas/config.ts';
import type { DescriptorClaims } from '../../schemas/descriptor.ts';
import { createProver, type Standing } from '../trust/prover.ts';
import { remoteTarget } from './remote-target.ts';
import { openWorkerLink, type WorkerLink } from './worker-link.ts';

export interface RemoteOptions {
  config: Pick<Config, 'remote_workers'>;
  env: Environment;
  enrolmentFile: string;
  /** ms since the epoch. */
  now: () => number;
  /** Whether a worker has something of ours. */
  isBusy: (name: string) => boolean;
}

/** The way to configured workers started elsewhere: only to such as prove that they were enrolled. */
export interface RemoteWorkers {
  /** UNAUTHORIZED where its secret is unknown or wrong, and where it cannot prove who it is. */
  open(name: string, signal: AbortSignal): Promise<WorkerLink>;
  /** From time to time: it proves itself anew where that is due, and answers what it has signed. UNAUTHORIZED as above. */
  confirm(name: string, link: WorkerLink): Promise<WorkerLink['signed']>;
  standing(name: string): Standing;
}

export function createRemoteWorkers(options: RemoteOptions): RemoteWorkers {
  const { config, env, enrolmentFile, now, isBusy } = options;
  const prover = createProver(enrolmentFile, now, isBusy);
  const urlOf = (name: string): string => config.remote_workers[name]?.url ?? '';
  return {
    async open(name, signal) {
      const target = await remoteTarget(name, config, env);
      let claims: DescriptorClaims | undefined;
      const link = await openWorkerLink(target, signal, async (peer) => {
        claims = await prover.prove(name, target.url, peer);
      });
      if (claims !== undefined && isSame(link, claims)) return { ...link, signed: claims };
      await link.close();
      throw another(name);
    },
    async confirm(name, link) {
      if (prover.standing(name) !== 'trusted') return undefined;
      const claims = await prover.renew(name, urlOf(name), link);
      if (claims !== undefined && !isSame(link, claims)) throw another(name);
      return claims;
    },
    standing: prover.standing,
  };
}

function another(name: string): FleetError {
  return new FleetError('UNAUTHORIZED', `Worker ${name} is another than it has signed.`);
}

function isSame({ descriptor }: WorkerLink, claims: DescriptorClaims): boolean {
  const { worker_id: id, boot_id: boot, slots } = descriptor;
  return id === claims.worker_id && boot === claims.epoch && slots <= claims.slots;
}
