import { isProvided } from '../../core/provision.ts';
import type { Config } from '../../schemas/config.ts';
import { credentialsMethod, credentialsParams } from '../../schemas/credentials.ts';
import type { WorkerLink } from './worker-link.ts';

/** Credential values by variable name: in memory only, and told on as they come to the local workers they are for. */
export interface Credentials {
  /** Takes in what a client hands over; what is not credentials is ignored. */
  receive(params: unknown): void;
  /** Tells a worker all that is known and for it. */
  forward(worker: string, link: WorkerLink): Promise<void>;
}

export function createCredentials(
  configured: Config['credentials'],
  links: () => Iterable<readonly [worker: string, link: WorkerLink]>,
): Credentials {
  const known = new Map<string, string>();

  async function tell(worker: string, link: WorkerLink): Promise<void> {
    const values = [...known].filter(([name]) => isProvided(configured, name, worker));
    if (values.length > 0) await link.notify(credentialsMethod, { values: Object.fromEntries(values) });
  }
  return {
    receive(received) {
      const parsed = credentialsParams.safeParse(received);
      if (!parsed.success) return;
      const news = Object.entries(parsed.data.values).filter(([name, value]) => known.get(name) !== value);
      for (const [name, value] of news) known.set(name, value);
      if (news.length === 0) return;
      // A link that fails is told again as soon as it is there again.
      for (const [worker, link] of links()) tell(worker, link).catch(() => undefined);
    },
    forward: tell,
  };
}
