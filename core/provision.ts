import type { Config } from '../schemas/config.ts';

/** Whether a worker gets a credential: where the configuration names workers for it, only those do. */
export function isProvided(credentials: Config['credentials'], name: string, worker: string): boolean {
  const entry = new Map(Object.entries(credentials)).get(name);
  return entry?.workers?.includes(worker) ?? true;
}
