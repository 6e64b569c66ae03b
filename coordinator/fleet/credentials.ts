import { credentialsMethod, credentialsParams } from '../../schemas/credentials.ts';
import type { WorkerLink } from './worker-link.ts';

/** Credential values by variable name: in memory only, and told on to local workers as they come. */
export interface Credentials {
  /** Takes in what a client hands over; what is not credentials is ignored. */
  receive(params: unknown): void;
  /** Tells a worker all that is known. */
  forward(link: WorkerLink): Promise<void>;
}

export function createCredentials(links: () => Iterable<WorkerLink>): Credentials {
  const known = new Map<string, string>();

  async function tell(link: WorkerLink): Promise<void> {
    if (known.size > 0) await link.notify(credentialsMethod, { values: Object.fromEntries(known) });
  }
  return {
    receive(received) {
      const parsed = credentialsParams.safeParse(received);
      if (!parsed.success) return;
      const news = Object.entries(parsed.data.values).filter(([name, value]) => known.get(name) !== value);
      for (const [name, value] of news) known.set(name, value);
      if (news.length === 0) return;
      // A link that fails is told again as soon as it is there again.
      for (const link of links()) tell(link).catch(() => undefined);
    },
    forward: tell,
  };
}
