import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { requestBody, type RequestBody } from './script.ts';
import { respond } from './respond.ts';

export interface RecordedRequest {
  at: number;
  headers: IncomingHttpHeaders;
  body: RequestBody;
  /** The body as it came, for assertions about its whole text. */
  text: string;
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
export async function startScriptedModel({ port = 0 } = {}): Promise<ScriptedModel> {
  const requests: RecordedRequest[] = [];
  const unknownPaths: string[] = [];
  const waiting = new Set<(request: RecordedRequest) => void>();
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
        const request = { at: Date.now(), headers: message.headers, body, text };
        requests.push(request);
        for (const tell of waiting) tell(request);
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
