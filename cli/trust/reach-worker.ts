import { FleetError } from '../../core/errors.ts';
import { connect, type Peer } from '../../mcp/client.ts';
import { resolveCredential } from '../../platform/credentials.ts';
import type { Environment } from '../../platform/environment.ts';
import type { Config } from '../../schemas/config.ts';
import { workerContracts, type WorkerContracts } from '../../schemas/tools.ts';

/** A configured worker elsewhere, asked directly: whether it is enrolled is what is to be found out. */
export async function withRemote<T>(
  name: string,
  config: Config,
  env: Environment,
  use: (peer: Peer<WorkerContracts>, url: string) => Promise<T>,
): Promise<T> {
  const remote = new Map(Object.entries(config.remote_workers)).get(name);
  if (remote === undefined) {
    throw new FleetError('NOT_FOUND', `There is no "remote_workers.${name}" in the configuration.`, {
      next: 'Add its url and secret there first.',
    });
  }
  const secret = await resolveCredential(`of remote worker ${name}`, remote.secret, env);
  if (secret === undefined) {
    throw new FleetError('UNAUTHORIZED', `The secret of remote worker ${name} is not set.`, {
      next: `Set what "remote_workers.${name}.secret" names.`,
    });
  }
  const peer = await connect(
    workerContracts,
    { url: remote.url, secret },
    { clientName: 'codex-fleet-trust' },
  );
  try {
    return await use(peer, remote.url);
  } finally {
    await peer.close();
  }
}
