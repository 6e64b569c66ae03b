import { FleetError } from '../../core/errors.ts';
import type { UrlTarget } from '../../mcp/client.ts';
import { resolveCredential } from '../../platform/credentials.ts';
import { checkWorkerUrl } from '../../platform/trust/worker-address.ts';
import type { Environment } from '../../platform/environment.ts';
import type { Config } from '../../schemas/config.ts';

/** Where a configured worker started elsewhere is reached. UNAUTHORIZED where its secret is unknown. */
export async function remoteTarget(
  name: string,
  config: Pick<Config, 'remote_workers'>,
  env: Environment,
): Promise<UrlTarget> {
  const remote = config.remote_workers[name];
  if (remote === undefined)
    throw new FleetError('NOT_FOUND', `There is no "remote_workers.${name}" in the configuration.`);
  const addresses = await checkWorkerUrl(name, remote.url, remote.allow_private);
  // Read at every try: the secret may be renewed while the fleet is up.
  const secret = await resolveCredential(`of remote worker ${name}`, remote.secret, env);
  if (secret === undefined) {
    throw new FleetError('UNAUTHORIZED', `The secret of remote worker ${name} is not set.`, {
      next: `Set what "remote_workers.${name}.secret" names.`,
    });
  }
  return { url: remote.url, secret, tls: remote.tls, addresses };
}
