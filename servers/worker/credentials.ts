import { credentialsParams } from '../../schemas/credentials.ts';

export interface Credentials {
  get: (name: string) => string | undefined;
  /** Takes the params of a notification; anything else is ignored. Later values replace earlier ones. */
  take: (params: unknown) => void;
}

/** Values of credentials by variable name, in memory only. */
export function createCredentials(): Credentials {
  const values = new Map<string, string>();
  return {
    get: (name) => values.get(name),
    take: (params) => {
      const given = credentialsParams.safeParse(params);
      if (!given.success) return;
      for (const [name, value] of Object.entries(given.data.values)) values.set(name, value);
    },
  };
}
