import { remoteTarget } from '../../coordinator/fleet/remote-target.ts';
import { connect, type Peer } from '../../mcp/client.ts';
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
  const target = await remoteTarget(name, config, env);
  const peer = await connect(workerContracts, target, { clientName: 'codex-fleet-trust' });
  try {
    return await use(peer, target.url);
  } finally {
    await peer.close();
  }
}
