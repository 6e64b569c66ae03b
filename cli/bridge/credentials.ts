import { existsSync } from 'node:fs';
import type { Environment } from '../../platform/environment.ts';

/**
 * The values of the configured credentials, from this client's environment, files or commands. What
 * cannot be had is left out: the run that needs it says so. Loads nothing where nothing is configured.
 */
export async function readCredentials(configFile: string, env: Environment): Promise<Record<string, string>> {
  if (!existsSync(configFile)) return {};
  try {
    const [{ loadConfig }, { resolveCredentials }] = await Promise.all([
      import('../../platform/config.ts'),
      import('../../platform/credentials.ts'),
    ]);
    return await resolveCredentials(loadConfig(configFile).credentials, env);
  } catch {
    return {};
  }
}
