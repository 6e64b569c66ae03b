import { chmod, readFile, writeFile } from 'node:fs/promises';
import { FleetError } from '../core/errors.ts';
import { withDefault } from '../core/trust/token-list.ts';
import { serveSocket } from '../mcp/serve-socket.ts';
import type { Verifier } from '../mcp/verifier.ts';
import type { Logger } from '../platform/log.ts';
import type { FleetPaths } from '../platform/paths.ts';
import type { Config } from '../schemas/config.ts';
import type { OAuth } from '../schemas/oauth.ts';
import type { FleetServer } from './server.ts';

export interface Front {
  /** Adds Streamable HTTP, on the port of last time where it is free. */
  openHttp(): Promise<void>;
  close(): Promise<void>;
}

export interface FrontOptions {
  server: FleetServer;
  paths: FleetPaths;
  config: Config;
  /** Told how many clients are connected, whenever that changes. */
  onClients(count: number): void;
  log: Logger;
}

/** Of a secret somebody has written there. */
const shortestSecret = 32;

/** Where clients come in: the Unix socket at once, the loopback address when asked. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { paths, config, log } = options;
  const { factory, stateless } = options.server;
  const clients = { socket: 0, http: 0 };
  const count = (kind: keyof typeof clients, n: number): void => {
    clients[kind] = n;
    options.onClients(clients.socket + clients.http);
  };
  const socket = await serveSocket(factory, paths.coordinatorSocket, {
    onConnectionsChange: (n) => count('socket', n),
    stateless,
  });
  let opening: Promise<void> = Promise.resolve();
  let closeHttp = (): Promise<void> => Promise.resolve();
  let closing: Promise<unknown> | undefined;

  async function listen(port: number): Promise<void> {
    // Loaded only now: the socket has to answer first.
    const [{ serveHttp }, { eitherOf, tokenVerifier }, { watchTokens }] = await Promise.all([
      import('../mcp/serve-http.ts'),
      import('../mcp/verifier.ts'),
      import('../platform/tokens.ts'),
    ]);
    await keepSecret(paths);
    const { tls: dir, oauth } = config.http;
    const tokens = watchTokens(paths.tokenFile, (err) => log.error({ err }, 'no token is valid'));
    const bearers = tokenVerifier(tokens, Date.now);
    const verify = oauth === undefined ? bearers : eitherOf(bearers, await accessTokens(oauth, log));
    const http = await serveHttp(factory, {
      port,
      host: config.http.host,
      tls: dir === undefined ? undefined : { dir, clients: 'any' },
      verify,
      resource: oauth,
      onSessionsChange: (n) => count('http', n),
    });
    closeHttp = () => http.close();
    const words = [String(http.port), ...(dir === undefined ? [] : [httpsUrl(config.http.host, http.port)])];
    await writeFile(paths.portFile, `${words.join(' ')}\n`, { mode: 0o600 });
    log.info({ port: http.port }, 'listening');
  }
  async function listenSomewhere(): Promise<void> {
    const wanted = config.http.port === 0 ? await lastPort(paths.portFile) : config.http.port;
    try {
      await listen(wanted).catch((error: unknown) => {
        if (wanted === 0 || config.http.port !== 0 || !isTaken(error)) throw error;
        log.warn({ port: wanted }, 'the port of last time is taken: clients have to mount the new URL');
        return listen(0);
      });
    } catch (error) {
      log.error({ err: error }, 'no HTTP: clients can only use the bridge');
    }
  }
  return {
    openHttp() {
      if (config.http.enabled) opening = listenSomewhere();
      return opening;
    },
    async close() {
      await opening;
      await (closing ??= Promise.all([socket.close(), closeHttp()]));
    },
  };
}

/** Loaded only where they are configured. */
async function accessTokens(oauth: OAuth, log: Logger): Promise<Verifier> {
  const [{ oauthVerifier }, { openKeySource }] = await Promise.all([
    import('../mcp/oauth-verifier.ts'),
    import('../platform/trust/key-set.ts'),
  ]);
  const onFailed = (err: unknown): void =>
    log.warn({ err }, 'the keys of the authorization server cannot be had');
  const keys = openKeySource({ place: oauth.jwks, now: () => performance.now(), onFailed });
  return oauthVerifier(oauth, keys, Date.now);
}

function isTaken(error: unknown): boolean {
  return error instanceof FleetError && error.code === 'CONFLICT';
}

/** As this machine reaches it. */
function httpsUrl(host: string, port: number): string {
  const own = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `https://${own.includes(':') ? `[${own}]` : own}:${String(port)}/mcp`;
}

async function lastPort(file: string): Promise<number> {
  const [word] = (await readFile(file, 'utf8').catch(() => '0')).trim().split(' ');
  const port = Number(word);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

/** The secret in a file only the user can read, made once; we go by its hash. */
async function keepSecret({ secretFile, tokenFile }: FleetPaths): Promise<void> {
  const { changeTokens, newToken, readTokens, tokenDigest } = await import('../platform/tokens.ts');
  const known = (await readFile(secretFile, 'utf8').catch(() => '')).trim();
  await chmod(secretFile, 0o600).catch(() => undefined);
  const secret = known.length >= shortestSecret ? known : newToken();
  if (secret !== known) await writeFile(secretFile, `${secret}\n`, { mode: 0o600 });
  const sha256 = tokenDigest(secret);
  if (readTokens(tokenFile).some((token) => token.sha256 === sha256)) return;
  const now = Date.now();
  await changeTokens(tokenFile, now, (tokens) => {
    return { tokens: withDefault(tokens, sha256, now), result: undefined };
  });
}
