import { buildServer, type ServerFactory } from '../mcp/build-server.ts';
import type { Logger } from '../platform/log.ts';
import { version } from '../platform/version.ts';
import { credentialsMethod } from '../schemas/credentials.ts';
import { fleetInstructions, fleetServerName } from '../schemas/server-info.ts';
import { fleetContracts } from '../schemas/tools.ts';
import { gate } from './gate.ts';
import type { HandlerDeps } from './handlers/deps.ts';
import { fleetHandlers } from './handlers/index.ts';

/** Whose runs: one coordinator serves one user of the machine. */
export const owner = 'local';

/** The fleet's MCP server, which can be connected to before what is behind it is ready. */
export function fleetServer(ready: Promise<HandlerDeps>, log: Logger): ServerFactory {
  return buildServer({
    name: fleetServerName,
    version,
    instructions: fleetInstructions,
    contracts: fleetContracts,
    handlers: gate(ready.then(fleetHandlers)),
    log,
    owner,
    notifications: {
      [credentialsMethod]: (params) => {
        ready.then(({ fleet }) => fleet.receiveCredentials(params)).catch(() => undefined);
      },
    },
  });
}
