import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Contracts } from '../../schemas/contract.ts';
import { message, toolCall } from './messages.ts';
import { createDice, seeded, type Dice } from './random.ts';

export interface FuzzOptions {
  port: number;
  secret: string;
  contracts: Contracts;
  seed: number;
  /** Ends after this many requests, or this long. */
  requests: number;
  ms: number;
}

export interface FuzzReport {
  requests: number;
  /** Answers by status; `closed` without one. */
  answers: Record<string, number>;
  /** What must never be: a stack in an answer, a socket that hangs, a 5xx, a server that is gone. */
  problems: string[];
}

/** A request is answered, or its socket closed, within this. */
const patienceMs = 8_000;
/** A place in code, as in a stack. */
export const stack = /\bat [^\n]{0,200}(?:\.[cm]?[jt]s|node:[\w/]+):\d+:\d+|node_modules\//;

interface Answer {
  status: number | 'closed' | 'hung';
  headers: IncomingHttpHeaders;
  text: string;
}

interface Ask {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** Sends what no client would, by a seed, and tells what should not have come of it. */
export async function fuzzHttp(options: FuzzOptions): Promise<FuzzReport> {
  const { port, secret, contracts, seed, ms } = options;
  const dice = createDice(seeded(seed));
  const report: FuzzReport = { requests: 0, answers: {}, problems: [] };
  const deadline = performance.now() + ms;
  const headers = {
    host: `127.0.0.1:${String(port)}`,
    authorization: `Bearer ${secret}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  };
  const begin = async (): Promise<string> => {
    const info = { name: 'fuzz', version: '0' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const answer = await ask(port, { method: 'POST', path: '/mcp', headers, body });
    if (answer.status !== 200) report.problems.push(`initialize answers ${String(answer.status)}`);
    return String(answer.headers['mcp-session-id'] ?? '');
  };
  const note = (what: string, { status, text }: Answer): void => {
    report.requests += 1;
    const key = String(status);
    report.answers[key] = (report.answers[key] ?? 0) + 1;
    const about = `request ${String(report.requests)} of seed ${String(seed)} (${what.slice(0, 300)})`;
    if (status === 'hung') report.problems.push(`${about} hangs`);
    if (typeof status === 'number' && status >= 500) report.problems.push(`${about} answers ${key}`);
    if (stack.test(text)) report.problems.push(`${about} shows a stack: ${text.slice(0, 500)}`);
  };

  let session = await begin();
  while (report.requests < options.requests && performance.now() < deadline) {
    const kind = dice.below(10);
    if (kind === 0) note('raw bytes', await sendRaw(port, rawBytes(dice, port, secret)));
    else if (kind === 1) {
      const odd = oddRequest(dice, headers);
      note(JSON.stringify(odd), await ask(port, odd));
    } else {
      const one = kind < 4 ? message(dice, kind) : toolCall(dice, contracts, report.requests);
      const body = JSON.stringify(one);
      const inSession = { ...headers, 'mcp-session-id': session };
      const answer = await ask(port, { method: 'POST', path: '/mcp', headers: inSession, body });
      note(body, answer);
      if (answer.status === 404) session = await begin();
    }
    if (report.problems.length > 20) break;
  }
  await begin();
  return report;
}

function oddRequest(dice: Dice, headers: Record<string, string>): Ask {
  const method = dice.oneOf(['GET', 'POST', 'DELETE', 'PUT', 'OPTIONS', 'PATCH', 'HEAD']);
  const path = dice.oneOf(['/mcp', '/', '/mcp/', '/mcp?token=x', '//mcp', '/.well-known/x', '/%00', '/MCP']);
  const name = dice.oneOf(['authorization', 'host', 'origin', 'accept', 'content-type', 'mcp-session-id']);
  const value = dice.text().replaceAll(/[^\x20-\x7e]/g, '?');
  const body = method === 'GET' || method === 'HEAD' ? '' : JSON.stringify(dice.value());
  return { method, path, headers: { ...headers, [name]: value }, body };
}

function rawBytes(dice: Dice, port: number, secret: string): Buffer {
  const head = `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${String(port)}\r\nauthorization: Bearer ${secret}\r\n`;
  const garbage = Buffer.from(Array.from({ length: dice.below(400) }, () => dice.below(256)));
  return Buffer.concat([
    Buffer.from(
      dice.oneOf([
        '',
        'GET / HTTP/9.9\r\n\r\n',
        'GET /mcp\r\n\r\n',
        `${head}content-length: 10\r\ncontent-length: 20\r\n\r\n`,
        `${head}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n`,
        `${head}transfer-encoding: chunked\r\n\r\nZZ\r\n`,
        `${head}content-length: -1\r\n\r\n`,
        `${head}x: ${'y'.repeat(20_000)}\r\n\r\n`,
        `${head}content-length: 99999999999\r\n\r\n`,
        `${head}content-length: 50\r\n\r\n`,
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      ]),
    ),
    garbage,
  ]);
}

function ask(port: number, { method, path, headers, body }: Ask): Promise<Answer> {
  return new Promise((resolve) => {
    let text = '';
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
    const timer = setTimeout(() => end('hung', {}), patienceMs);
    const end = (status: Answer['status'], answered: IncomingHttpHeaders): void => {
      clearTimeout(timer);
      resolve({ status, headers: answered, text });
      request.destroy();
    };
    request.on('error', () => end('closed', {}));
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      // An event stream that is open stays open: that it began is its answer.
      if (method === 'GET' && status === 200) end(status, response.headers);
      response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      response.on('end', () => end(status, response.headers));
      response.on('error', () => end('closed', {}));
    });
    request.end(body);
  });
}

/** Half a connection: the other side has to end it once ours has ended. */
async function sendRaw(port: number, bytes: Buffer): Promise<Answer> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close').then(() => 'closed' as const);
  socket.end(bytes);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'hung'>((resolve) => (timer = setTimeout(() => resolve('hung'), patienceMs)));
  const status = await Promise.race([closed, late]);
  clearTimeout(timer);
  socket.destroy();
  return { status, headers: {}, text };
}
