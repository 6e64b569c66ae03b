import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../../../../core/errors.ts';
import type { CarriedConfig } from './user-config.ts';

/**
 * The user's own auth.json where there is one, to be used in place. ENGINE_UNAVAILABLE where the
 * provider needs a sign-in and none can be used.
 */
export async function signInFile(codexHome: string, carried: CarriedConfig): Promise<string | undefined> {
  const file = join(codexHome, 'auth.json');
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) return file;
  if (carried.ownEndpoint) return undefined;
  if (carried.credentialStore === 'file') {
    throw new FleetError('ENGINE_UNAVAILABLE', 'Codex is not signed in.', {
      next: `Run \`codex login\`, or name a model provider with its own key in ${join(codexHome, 'config.toml')}.`,
    });
  }
  throw new FleetError(
    'ENGINE_UNAVAILABLE',
    'Codex keeps its sign-in in the system keyring, which runs cannot use.',
    {
      next: `Set cli_auth_credentials_store = "file" in ${join(codexHome, 'config.toml')} and run \`codex login\` again.`,
    },
  );
}
