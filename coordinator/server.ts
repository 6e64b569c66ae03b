import { resultLinks } from '../core/result-links.ts';
import { buildServer, type ServerFactory } from '../mcp/build-server.ts';
import { createOwnRequests } from '../mcp/own-requests.ts';
import type { DualEraOptions } from '../mcp/dual-era.ts';
import type { Logger } from '../platform/log.ts';
import { version } from '../platform/version.ts';
import { credentialsMethod } from '../schemas/credentials.ts';
import { handOverMethod } from '../schemas/hand-over.ts';
import { operatorRequests } from '../schemas/operator.ts';
import { fleetCapabilities, fleetInstructions, fleetServerName } from '../schemas/server-info.ts';
import { fleetContracts } from '../schemas/tools.ts';
import { gate, gateOperator, gateTasks } from './gate.ts';
import type { HandlerDeps } from './handlers/deps.ts';
import { fleetHandlers } from './handlers/index.ts';
import { resumeRun } from './handlers/resume-run.ts';
import { operatorHandlers } from './operator.ts';
import { fleetResources, gateResources } from './resources/index.ts';
import { fleetTemplates } from './resources/templates.ts';
import { tellReply } from './tell-reply.ts';
import { createTasks } from './tasks.ts';

/** Whose runs: one coordinator serves one user of the machine. */
export const owner = 'local';

export interface FleetServer {
  factory: ServerFactory;
  /** What clients that begin without `initialize` are told and offered: runs as tasks. */
  stateless: DualEraOptions;
}

/** The fleet's MCP server for the runs of one owner, which can be connected to before what is behind it is ready. */
export function fleetServer(
  ready: Promise<HandlerDeps>,
  onHandOver: (params: unknown) => void,
  log: Logger,
  whose: string = owner,
): FleetServer {
  const tools = ready.then(fleetHandlers);
  const factory = buildServer({
    name: fleetServerName,
    version,
    instructions: fleetInstructions,
    contracts: fleetContracts,
    handlers: gate(tools),
    log,
    owner: whose,
    manyOwners: true,
    resources: gateResources(fleetTemplates, ready.then(fleetResources)),
    links: { poll_run: ({ runs }) => resultLinks(runs) },
    replied: (reply) => void ready.then(({ told }) => tellReply(told, reply)).catch(() => undefined),
    requests: createOwnRequests(
      operatorRequests,
      gateOperator(ready.then((deps) => operatorHandlers(deps, owner))),
      log,
    ),
    notifications: {
      [handOverMethod]: onHandOver,
      [credentialsMethod]: (params) => {
        ready.then(({ fleet }) => fleet.receiveCredentials(params)).catch(() => undefined);
      },
    },
  });
  const tasks = Promise.all([ready, tools]).then(([deps, handlers]) => {
    // A client that follows a run as a task is asked in a dialog, too.
    const answering = { ...handlers, resume_run: resumeRun(deps, 'elicitation') };
    return createTasks(deps, answering, whose);
  });
  const stateless = {
    serverInfo: { name: fleetServerName, version },
    capabilities: fleetCapabilities,
    instructions: fleetInstructions,
    tasks: gateTasks(tasks),
  };
  return { factory, stateless };
}
