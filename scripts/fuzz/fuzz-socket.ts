import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Contracts } from '../../schemas/contract.ts';
import { stack, type FuzzReport } from './fuzz-http.ts';
import { message, toolCall } from './messages.ts';
import { createDice, seeded, type Dice } from './random.ts';

export interface FuzzSocketOptions {
  path: string;
  contracts: Contracts;
  seed: number;
  /** Ends after this many messages, or this long. */
  requests: number;
  ms: number;
}

/** After nonsense, a plain `ping` is answered, or the connection closed, within this. */
const patienceMs = 8_000;
/** What ends a process by right, where whoever asks is the user. */
const ending = /codex-fleet\/(?:end_worker|drain_worker|restart_worker)/;

/** What no client would send, to the Unix socket of a coordinator or a worker. */
export async function fuzzSocket(options: FuzzSocketOptions): Promise<FuzzReport> {
  const { path, contracts, seed, ms } = options;
  const dice = createDice(seeded(seed));
  const report: FuzzReport = { requests: 0, answers: {}, problems: [] };
  const deadline = performance.now() + ms;
  while (report.requests < options.requests && performance.now() < deadline) {
    const lines = Array.from({ length: 1 + dice.below(20) }, (_, at) => line(dice, contracts, at));
    const told = await exchange(
      path,
      lines.filter((one) => !ending.test(one.toString('utf8'))),
    );
    report.requests += lines.length;
    report.answers[told.end] = (report.answers[told.end] ?? 0) + 1;
    const about = `the messages up to ${String(report.requests)} of seed ${String(seed)}`;
    if (told.end === 'hung' || told.end === 'refused') report.problems.push(`${about}: ${told.end}`);
    if (stack.test(told.text)) report.problems.push(`${about} show a stack: ${told.text.slice(0, 500)}`);
    if (report.problems.length > 20) break;
  }
  return report;
}

function line(dice: Dice, contracts: Contracts, id: number): Buffer {
  const kind = dice.below(12);
  if (kind === 0) return Buffer.from(Array.from({ length: dice.below(400) }, () => dice.below(256)));
  if (kind === 1)
    return Buffer.from(dice.oneOf(['', '{', '[]', '[[]]', 'null', '"', '{"jsonrpc":"2.0"', '\ufeff{}']));
  return Buffer.from(JSON.stringify(kind < 5 ? message(dice, id) : toolCall(dice, contracts, id)));
}

interface Told {
  /** How it ended: by the answer to `ping`, by their closing, by nothing in time, or before it began. */
  end: 'answered' | 'closed' | 'hung' | 'refused';
  text: string;
}

async function exchange(path: string, lines: readonly Buffer[]): Promise<Told> {
  const socket = connect(path);
  let text = '';
  const begun = await once(socket, 'connect').catch(() => undefined);
  if (begun === undefined) return { end: 'refused', text };
  const answered = new Promise<'answered'>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('"id":"the-last-ping"')) resolve('answered');
    });
  });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close').then(() => 'closed' as const);
  sendAll(socket, lines);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'hung'>((resolve) => (timer = setTimeout(() => resolve('hung'), patienceMs)));
  const end = await Promise.race([answered, closed, late]);
  clearTimeout(timer);
  socket.destroy();
  return { end, text };
}

function sendAll(socket: Socket, lines: readonly Buffer[]): void {
  const info = { name: 'fuzz', version: '0' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info };
  const hello = { jsonrpc: '2.0', id: 'hello', method: 'initialize', params };
  const ready = { jsonrpc: '2.0', method: 'notifications/initialized' };
  const ping = { jsonrpc: '2.0', id: 'the-last-ping', method: 'ping' };
  const all = [JSON.stringify(hello), JSON.stringify(ready), ...lines, JSON.stringify(ping)];
  for (const one of all) socket.write(Buffer.concat([Buffer.from(one), Buffer.from('\n')]));
}
