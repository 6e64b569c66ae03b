import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { buildServer } from '../../mcp/build-server.ts';
import type { Handlers } from '../../mcp/handlers.ts';
import { createLogger } from '../../platform/log.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { inertFleetHandlers } from '../../scripts/lib/inert.ts';
import { connectFleet, type FleetClient } from '../../stubs/index.ts';

export interface SmallFleet {
  client: FleetClient;
  close: () => Promise<void>;
}

/** The typed client on a real server whose handlers are scripted. */
export async function smallFleet(handlers: Partial<Handlers<FleetContracts>>): Promise<SmallFleet> {
  const factory = buildServer({
    name: 'fleet',
    version: '0.0.0',
    instructions: '',
    contracts: fleetContracts,
    handlers: { ...inertFleetHandlers, ...handlers },
    log: createLogger({ name: 'test', level: 'silent' }),
    owner: 'jane',
  });
  const [transport, far] = InMemoryTransport.createLinkedPair();
  const server = factory();
  await server.connect(far);
  const client = await connectFleet({ transport });
  return { client, close: () => client.close() };
}

export const exampleRun = fleetContracts.cancel_run.example.output.runs[0]?.run_id ?? '';
