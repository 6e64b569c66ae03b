import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js';
import { z } from 'zod';
import { FleetError } from '../core/errors.ts';
import { version } from '../platform/version.ts';
import type { Contract, Contracts } from '../schemas/contract.ts';
import type { RequestContract } from '../schemas/operator.ts';
import { maxWaitMs } from '../schemas/tools.ts';
import { callMetaKey } from './call-meta.ts';
import { callFailure, linkFailure } from './client-errors.ts';
import { createLineTransport, type LinePair } from './line-transport.ts';
import { openSocket } from './open-socket.ts';
import type { TlsTarget } from './tls-fetch.ts';

export interface UrlTarget extends TlsTarget {
  url: string;
  secret: string;
}
/** A Unix socket, a URL, or streams to a process that serves one client over its own. */
export type Target = { socket: string } | UrlTarget | { pair: LinePair };

interface CallOptions {
  /** Aborting sends notifications/cancelled and rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Default 35 s: the longest wait of a tool, and time to answer. */
  timeoutMs?: number;
  /** For start_run without one: the folder the caller works in. */
  cwd?: string;
  /** The caller's id of this call; a repeated start_run with it starts nothing twice. */
  callId?: string;
  /** How many runs stand between a person and the caller. */
  depth?: number;
}

/** A connection to another server of ours. */
export interface Peer<C extends Contracts> {
  /**
   * The tool's output. Throws the FleetError the server answered with; WORKER_UNAVAILABLE where it
   * cannot be reached, went away or did not answer in time.
   */
  call: <K extends keyof C & string>(
    name: K,
    input: z.input<C[K]['input']>,
    options?: CallOptions,
  ) => Promise<z.output<C[K]['output']>>;
  notify: (method: string, params: Record<string, unknown>) => Promise<void>;
  /** A request of our own beyond MCP's. Throws as `call` does. */
  request: <R extends RequestContract>(
    method: string,
    contract: R,
    params: z.input<R['params']>,
    options?: { timeoutMs?: number },
  ) => Promise<z.output<R['result']>>;
  /** Settles when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  close: () => Promise<void>;
  readonly server: { name: string; version: string; instructions: string | undefined };
}

export interface ConnectOptions {
  /** Gives up connecting. */
  signal?: AbortSignal;
  clientName?: string;
  /** For connecting and the handshake; default 5 s. */
  timeoutMs?: number;
}

const defaultTimeoutMs = maxWaitMs + 10_000;
/** Content blocks are not looked at; structuredContent is checked by the tool's own schema. */
const anyResult = z.record(z.string(), z.unknown());
const jsonSchemaValidator = new AjvJsonSchemaValidator();

/** Connects and shakes hands. WORKER_UNAVAILABLE where nobody answers, UNAUTHORIZED for a wrong secret. */
export async function connect<C extends Contracts>(
  contracts: C,
  target: Target,
  options: ConnectOptions = {},
): Promise<Peer<C>> {
  options.signal?.throwIfAborted();
  return shakeHands(contracts, await open(target), options);
}

async function open(target: Target): Promise<Transport> {
  if ('socket' in target) return openSocket(target.socket);
  if ('pair' in target) return createLineTransport(target.pair, 'client');
  // Loaded only where it is used: it would cost every coordinator 4 MB.
  const { openHttp } = await import('./open-http.ts');
  const isTls = target.tls !== undefined || target.addresses !== undefined;
  if (!isTls || !target.url.startsWith('https:')) return openHttp(target.url, target.secret);
  const { tlsFetch } = await import('./tls-fetch.ts');
  return openHttp(target.url, target.secret, tlsFetch(target));
}

/** The same over a transport that is already there. */
export async function shakeHands<C extends Contracts>(
  contracts: C,
  transport: Transport,
  options: ConnectOptions = {},
): Promise<Peer<C>> {
  const info = { name: options.clientName ?? 'codex-fleet', version };
  const client = new Client(info, { jsonSchemaValidator });
  const closed = new Promise<void>((resolve) => {
    client.onclose = resolve;
  });
  const timeout = options.timeoutMs ?? 5_000;
  try {
    await abortable(options.signal, (request) => client.connect(transport, { ...request, timeout }));
  } catch (error) {
    await client.close();
    options.signal?.throwIfAborted();
    throw linkFailure(error);
  }
  const about = client.getServerVersion();
  return {
    call: async (name, input, callOptions = {}) =>
      callTool(client, name, contracts[name], input, callOptions),
    notify: async (method, params) => {
      await client.notification({ method, params }).catch((error: unknown) => {
        throw linkFailure(error);
      });
    },
    request: async (method, contract, params, options = {}) =>
      ownRequest(client, method, contract, params, options.timeoutMs ?? defaultTimeoutMs),
    closed,
    close: () => client.close(),
    server: {
      name: about?.name ?? 'unknown',
      version: about?.version ?? '',
      instructions: client.getInstructions(),
    },
  };
}

async function callTool<T extends Contract>(
  client: Client,
  name: string,
  contract: T | undefined,
  input: z.input<T['input']>,
  options: CallOptions,
): Promise<z.output<T['output']>> {
  if (contract === undefined) throw new FleetError('INVALID_INPUT', `There is no tool "${name}".`);
  const result = await request(client, name, input, options);
  if (result['isError'] === true) throw callFailure(result['content']);
  const parsed = parse<T['output']>(contract.output, result['structuredContent']);
  if (parsed.success) return parsed.data;
  throw new FleetError('INTERNAL', `The answer to ${name} has another shape than this version expects.`, {
    next: 'Run the same version of codex-fleet on both sides.',
    cause: parsed.error,
  });
}

async function ownRequest<R extends RequestContract>(
  client: Client,
  method: string,
  contract: R,
  params: z.input<R['params']>,
  timeout: number,
): Promise<z.output<R['result']>> {
  const result = await client.request({ method, params }, anyResult, { timeout }).catch((error: unknown) => {
    throw linkFailure(error);
  });
  const parsed = parse<R['result']>(contract.result, result);
  if (parsed.success) return parsed.data;
  throw new FleetError('INTERNAL', `The answer to ${method} has another shape than this version expects.`);
}

/** One tools/call without the SDK's callTool, which validates every reply by a compiled JSON Schema. */
async function request(
  client: Client,
  name: string,
  input: unknown,
  options: CallOptions,
): Promise<Record<string, unknown>> {
  const { callId: id, cwd, depth } = options;
  const params: Record<string, unknown> = { name, arguments: input };
  const isSaid = id !== undefined || cwd !== undefined || depth !== undefined;
  if (isSaid) params['_meta'] = { [callMetaKey]: { id, cwd, depth } };
  try {
    const timeout = options.timeoutMs ?? defaultTimeoutMs;
    return await abortable(options.signal, (request) =>
      client.request({ method: 'tools/call', params }, anyResult, { ...request, timeout }),
    );
  } catch (error) {
    options.signal?.throwIfAborted();
    throw linkFailure(error);
  }
}

/** The SDK never takes its listener off a signal: it gets one that lives no longer than the request. */
async function abortable<T>(
  signal: AbortSignal | undefined,
  run: (request: { signal?: AbortSignal }) => Promise<T>,
): Promise<T> {
  if (signal === undefined) return run({});
  signal.throwIfAborted();
  const aborter = new AbortController();
  const abort = (): void => {
    aborter.abort();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await run({ signal: aborter.signal });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function parse<S extends z.ZodObject>(schema: S, value: unknown): z.ZodSafeParseResult<z.output<S>> {
  return schema.safeParse(value);
}
