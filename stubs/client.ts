import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { noAnswer } from './errors.ts';
import { fleetMethods, type CallOptions, type FleetMethods, type ToolName } from './fleet.ts';
import { outputOf } from './result.ts';

/** How to reach the fleet. Without fields: the bridge `codex-fleet mcp`, which starts one where none is up. */
export type FleetConnection =
  | {
      command?: string;
      args?: string[];
      /** Variables for the command, besides HOME, LOGNAME, PATH, SHELL, TERM and USER. */
      env?: Record<string, string>;
      cwd?: string;
    }
  | { url: string; secret: string }
  | { transport: Transport };

export interface FleetClient extends FleetMethods {
  close(): Promise<void>;
}

/** A tools/call somebody else makes; gives the CallToolResult. */
export type ToolCaller = (
  name: ToolName,
  input: Record<string, unknown>,
  options: CallOptions,
) => Promise<unknown>;

/** After these the next call connects anew. */
const lost = new Set(['DISCONNECTED', 'UNAUTHORIZED']);

/** Longer than the longest wait of a tool, 25 s. */
const defaultTimeoutMs = 35_000;

/**
 * Connects to the fleet. Throws FleetCallError `DISCONNECTED` or `UNAUTHORIZED` where that fails. A
 * connection lost later is made anew by the next call, unless its transport was given.
 */
export async function connectFleet(connection: FleetConnection = {}): Promise<FleetClient> {
  const reconnects = !('transport' in connection);
  let current: Promise<Client> | undefined = open(connection, false);
  await current;
  const callTool: ToolCaller = async (name, input, options) => {
    const used = (current ??= open(connection, true));
    try {
      return await callOver(await used, name, input, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      const failure = noAnswer(error, { reconnects });
      if (reconnects && current === used && lost.has(failure.code)) {
        current = undefined;
        void used.then((client) => client.close()).catch(() => undefined);
      }
      throw failure;
    }
  };
  const close = async (): Promise<void> => {
    await current?.then((client) => client.close()).catch(() => undefined);
  };
  return { ...fleetOver(callTool), close };
}

async function open(connection: FleetConnection, again: boolean): Promise<Client> {
  const client = new Client({ name: 'codex-fleet-stubs', version: '1' });
  try {
    await client.connect(openTransport(connection));
    return client;
  } catch (error) {
    await client.close();
    throw noAnswer(error, { reconnects: again });
  }
}

/** The typed methods over a caller of your own: a connected SDK client, or the tools of a code sandbox. */
export function fleetOver(callTool: ToolCaller): FleetMethods {
  return fleetMethods(async (name, input, options = {}) =>
    outputOf(name, await callTool(name, { ...input }, options)),
  );
}

function openTransport(connection: FleetConnection): Transport {
  if ('transport' in connection) return connection.transport;
  if ('url' in connection) {
    const headers = { authorization: `Bearer ${connection.secret}` };
    return new StreamableHTTPClientTransport(new URL(connection.url), { requestInit: { headers } });
  }
  const { command = 'codex-fleet', args = ['mcp'], env, cwd } = connection;
  return new StdioClientTransport({
    command,
    args,
    stderr: 'inherit',
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  });
}

async function callOver(
  client: Client,
  name: ToolName,
  input: Record<string, unknown>,
  options: CallOptions,
): Promise<unknown> {
  options.signal?.throwIfAborted();
  // The SDK never takes its listener off a signal; this one lives no longer than the call.
  const aborter = new AbortController();
  const abort = (): void => {
    aborter.abort();
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    const timeout = options.timeoutMs ?? defaultTimeoutMs;
    const request = { method: 'tools/call', params: { name, arguments: input } } as const;
    return await client.request(request, ResultSchema, { signal: aborter.signal, timeout });
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}
