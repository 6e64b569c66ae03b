import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js';
import {
  ErrorCode,
  InitializeRequestSchema,
  McpError,
  type CallToolResult,
  type ListToolsResult,
} from '@modelcontextprotocol/sdk/types.js';
import { FleetError } from '../core/errors.ts';
import type { Logger } from '../platform/log.ts';
import { everyone } from '../core/owners.ts';
import type { Contracts } from '../schemas/contract.ts';
import type { Principal } from '../schemas/principal.ts';
import { protocolVersions } from '../schemas/server-info.ts';
import { readCallMeta } from './call-meta.ts';
import { connectionOf } from './connection.ts';
import type { Call, Handlers } from './handlers.ts';
import { isRecord } from './json-rpc.ts';
import type { OwnRequest } from './own-requests.ts';
import { progressOf, type RequestExtra } from './progress.ts';
import { failure, success } from './reply.ts';
import { createResourceDesk, type ResourceSource } from './resources.ts';
import { createTools, type ReplyLinks, type Tool } from './tool-table.ts';

export interface ServerOptions<C extends Contracts> {
  name: string;
  version: string;
  /** Shown to models once; some clients cut it at 240 characters. */
  instructions: string;
  contracts: C;
  handlers: Handlers<C>;
  log: Logger;
  /** Whose runs the calls are about, of connections that know of no principal. */
  owner: string;
  /** Whether an admin is answered about the runs of all owners; else there is one. */
  manyOwners?: boolean;
  /** Handlers of notifications beyond MCP's own, by method. */
  notifications?: Record<string, (params: unknown) => void>;
  resources?: ResourceSource;
  /** For clients that know of links. */
  links?: ReplyLinks<C>;
  /** Told of every result of a tool that is sent; not of errors. */
  replied?: (reply: Replied) => void;
  /** Requests beyond MCP's own, by method. */
  requests?: ReadonlyMap<string, OwnRequest>;
}

/** What a client is sent, and what it says. */
export interface Replied {
  input: unknown;
  output: Record<string, unknown>;
  result: CallToolResult;
  client: Call['client'];
}

/**
 * Makes the server of one connection; every connection needs its own. A client that has mounted a URL
 * stands in no folder of this machine, whatever it says.
 */
export type ServerFactory = (connection?: { overUrl: boolean; principal?: Principal }) => Server;

/** One for all: each Server would otherwise compile its own, and none of ours validates with it. */
const jsonSchemaValidator = new AjvJsonSchemaValidator();

/** A factory of MCP servers that share handlers and the list of tools, and are cheap to make. */
export function buildServer<C extends Contracts>(options: ServerOptions<C>): ServerFactory {
  const tools = createTools(options.contracts, options.handlers, options.links);
  const list: ListToolsResult = { tools: [...tools.values()].map((tool) => tool.definition) };
  const notifications = new Map(Object.entries(options.notifications ?? {}));
  const { name, version, instructions, log, resources } = options;
  const capabilities = { tools: {}, ...(resources !== undefined && { resources: { subscribe: true } }) };

  return (opened) => {
    const starts = opened?.principal?.owner ?? options.owner;
    const owner = opened?.principal?.scope === 'admin' && options.manyOwners === true ? everyone : starts;
    const server = new Server({ name, version }, { capabilities, instructions, jsonSchemaValidator });
    let client = { name: 'unknown', version: '' };
    let protocolVersion: string | undefined;
    let declared: unknown;
    const mayAnswer = opened?.principal?.scope !== 'read';
    const connection = connectionOf(
      server,
      () => (mayAnswer ? declared : undefined),
      () => client.name,
    );
    const desk =
      resources &&
      createResourceDesk(resources, owner, (uri) => {
        server.notification({ method: 'notifications/resources/updated', params: { uri } }).catch(ignore);
      });
    server.onclose = () => desk?.close();

    // Ours instead of the SDK's, which keeps the negotiated version to itself.
    server.setRequestHandler(InitializeRequestSchema, ({ params }) => {
      protocolVersion =
        protocolVersions.find((known) => known === params.protocolVersion) ?? protocolVersions[0];
      declared = params.capabilities;
      client = { name: params.clientInfo.name, version: params.clientInfo.version };
      return { protocolVersion, capabilities, serverInfo: { name, version }, instructions };
    });

    const callTool = async (
      params: Record<string, unknown>,
      extra: RequestExtra,
    ): Promise<CallToolResult> => {
      const toolName = params['name'];
      if (typeof toolName !== 'string')
        throw new McpError(ErrorCode.InvalidParams, 'params.name must be a string');
      const { cwd, ...meta } = readCallMeta(params['_meta']);
      const stands = opened?.overUrl === true ? undefined : cwd;
      const progress = progressOf(params['_meta'], extra);
      const { signal } = extra;
      const call: Call = { owner, starts, signal, client, ...meta, cwd: stands, progress, connection };
      try {
        const tool = findTool(tools, toolName);
        const { input, output, links } = await tool.run(params['arguments'], call);
        const context = { tool: toolName, contract: tool.contract, protocolVersion, links };
        const result = success(input, output, context);
        options.replied?.({ input, output, result, client });
        return result;
      } catch (error) {
        return failure(error, toolName, log);
      }
    };

    // Not by setRequestHandler: for tools/call that parses request and result with three schemas,
    // and answers what does not fit with zod's own words.
    server.fallbackRequestHandler = async ({ method, params: given }, extra) => {
      const params = isRecord(given) ? given : {};
      if (method === 'tools/list') return list;
      if (method === 'tools/call') return callTool(params, extra);
      const own = options.requests?.get(method);
      const isServed = own !== undefined && (own.overUrl || opened?.overUrl !== true);
      const answer = isServed ? own.answer(params) : desk?.answer(method, params);
      if (answer !== undefined) return answer;
      throw new McpError(ErrorCode.MethodNotFound, 'Method not found');
    };
    server.fallbackNotificationHandler = ({ method, params }) => {
      notifications.get(method)?.(params);
      return Promise.resolve();
    };
    server.onerror = (error) => {
      log.debug({ problem: protocolProblem(error) }, 'protocol error');
    };
    return server;
  };
}

/** The client went away; whoever holds the connection hears of that by itself. */
function ignore(): void {}

function findTool(tools: ReadonlyMap<string, Tool>, name: string): Tool {
  const tool = tools.get(name);
  if (tool !== undefined) return tool;
  throw new FleetError('INVALID_INPUT', `There is no tool "${name.slice(0, 80)}".`, {
    next: `Call one of ${[...tools.keys()].join(', ')}.`,
  });
}

/** The SDK appends the offending message after a colon, which may hold credentials. */
function protocolProblem(error: Error): string {
  return error.message.split(':', 1)[0] ?? error.name;
}
