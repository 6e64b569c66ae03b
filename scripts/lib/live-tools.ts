import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { ListToolsResultSchema, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { buildServer, type ServerFactory } from '../../mcp/build-server.ts';
import { createLogger } from '../../platform/log.ts';
import { fleetContracts, fleetInstructions, workerContracts } from '../../schemas/tools.ts';
import { inertFleetHandlers, inertWorkerHandlers } from './inert.ts';

export interface LiveTools {
  fleet: Tool[];
  worker: Tool[];
}

const shared = {
  version: '0.0.0',
  instructions: fleetInstructions,
  owner: 'generator',
  log: createLogger({ name: 'generate', level: 'silent' }),
};

export const inertFleet: ServerFactory = buildServer({
  ...shared,
  name: 'fleet',
  contracts: fleetContracts,
  handlers: inertFleetHandlers,
});
const inertWorker: ServerFactory = buildServer({
  ...shared,
  name: 'worker',
  contracts: workerContracts,
  handlers: inertWorkerHandlers,
});

/** What servers of both kinds really answer to tools/list. */
export async function listLiveTools(): Promise<LiveTools> {
  return { fleet: await listTools(inertFleet), worker: await listTools(inertWorker) };
}

async function listTools(factory: ServerFactory): Promise<Tool[]> {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const server = factory();
  await server.connect(far);
  const client = new Client({ name: 'generate', version: '0.0.0' });
  await client.connect(near);
  const { tools } = await client.request({ method: 'tools/list' }, ListToolsResultSchema);
  await client.close();
  return tools;
}
