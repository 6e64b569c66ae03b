import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { requestBody, type RequestBody } from './script.ts';
import { respond } from './respond.ts';

export interface RecordedRequest {
  at: number;
  headers: IncomingHttpHeaders;
  body: RequestBody;
  /** The body as it came, for assertions about its whole text. */
  text: string;
  /** Answered with a 429, for there were too many. */
  refused: boolean;
}

/** A provider's rate limit: requests at a time, with a Retry-After; or none until a moment (seconds since the epoch). */
export type RateLimit = { concurrent: number; retryAfterSeconds: number } | { resetsAt: number };

function refuses(limit: RateLimit | undefined, served: number): boolean {
  if (limit === undefined) return false;
  return 'resetsAt' in limit ? Date.now() < limit.resetsAt * 1_000 : served >= limit.concurrent;
}

/** As Codex's own backend says it, or as any other does. */
function refuse(limit: RateLimit | undefined, response: ServerResponse): void {
  const json = { 'content-type': 'application/json' };
  if (limit !== undefined && 'resetsAt' in limit) {
    const window = { 'x-codex-primary-used-percent': '100', 'x-codex-primary-window-minutes': '300' };
    const headers = { ...json, ...window, 'x-codex-primary-reset-at': String(limit.resetsAt) };
    const error = { type: 'usage_limit_reached', message: 'limit', resets_at: limit.resetsAt };
    response.writeHead(429, headers).end(JSON.stringify({ error }));
    return;
  }
  const retryAfter = { 'retry-after': String(limit?.retryAfterSeconds ?? 1) };
  response.writeHead(429, { ...json, ...retryAfter });
  response.end('{"error":{"message":"Too many requests","code":"rate_limit_exceeded"}}');
}

export interface ScriptedModel {
  port: number;
  /** `base_url` of a provider with `wire_api = "responses"`. */
  url: string;
  requests: readonly RecordedRequest[];
  /** Paths asked for that this endpoint does not have. */
  unknownPaths: readonly string[];
  /** The most requests that were open at one time. */
  peak(): number;
  /** Resolves with the first request, past or coming, that fits. */
  request(fits: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  close(): Promise<void>;
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** A scripted OpenAI Responses endpoint on 127.0.0.1. Answers come from the prompts, see `script()`. */
export async function startScriptedModel({
  port = 0,
  limit,
}: { port?: number; limit?: RateLimit | undefined } = {}): Promise<ScriptedModel> {
  const requests: RecordedRequest[] = [];
  const unknownPaths: string[] = [];
  const waiting = new Set<(request: RecordedRequest) => void>();
  let served = 0;
  let open = 0;
  let peak = 0;

  const server = createServer((message, response) => {
    const path = message.url?.split('?')[0] ?? '';
    if (message.method !== 'POST' || !path.endsWith('/responses')) {
      unknownPaths.push(`${message.method ?? ''} ${path}`);
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"error":{"message":"no such path"}}');
      return;
    }
    open += 1;
    peak = Math.max(peak, open);
    response.once('close', () => (open -= 1));
    void readText(message)
      .then((text) => {
        const body = requestBody.parse(JSON.parse(text));
        const refused = refuses(limit, served);
        const request = { at: Date.now(), headers: message.headers, body, text, refused };
        requests.push(request);
        for (const tell of waiting) tell(request);
        if (refused) {
          refuse(limit, response);
          return undefined;
        }
        served += 1;
        response.once('close', () => (served -= 1));
        return respond(body, response);
      })
      .catch(() => response.destroy());
  });

  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  const boundPort = address !== null && typeof address === 'object' ? address.port : port;
  return {
    port: boundPort,
    url: `http://127.0.0.1:${String(boundPort)}/v1`,
    requests,
    unknownPaths,
    peak: () => peak,
    request: (fits) =>
      new Promise((resolve) => {
        const earlier = requests.find(fits);
        if (earlier !== undefined) {
          resolve(earlier);
          return;
        }
        const tell = (request: RecordedRequest): void => {
          if (!fits(request)) return;
          waiting.delete(tell);
          resolve(request);
        };
        waiting.add(tell);
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
