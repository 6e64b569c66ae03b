import type { Readable, Writable } from 'node:stream';
import { maxMessageBytes, messageTooLong, rpcFailure } from '../../mcp/json-rpc.ts';
import { createLineSplitter } from '../../mcp/line-splitter.ts';
import { createAsked } from './asked.ts';
import { answerDiscover, answerInitialize, answerUnreachable, type Refusal } from './answers.ts';
import { createLink, type Link } from './link.ts';
import type { Meeting } from './meet.ts';
import {
  addCallMeta,
  isErrorResponse,
  readMessage,
  readParam,
  replaceId,
  type CallMeta,
  type Request,
} from './message.ts';
import { createPending, type PendingRequest } from './pending.ts';
import { createSubscriptions } from './subscriptions.ts';
import { writeLine } from './write-line.ts';

/** Requests held for a coordinator that is not there: beyond this the client is not read. */
const maxHeldBytes = 8 * 1024 * 1024;
/** A client that closes its end is still given the answers that come at once. */
const lastAnswersMs = 250;
/** A request that was under way each time the coordinator went away is not tried for ever. */
const maxSends = 3;
const patienceCheckMs = 200;
/** How the ids begin, as JSON text, under which the bridge itself asks something of a coordinator. */
const ownIds = '"codex-fleet-bridge';
const greetingId = `${ownIds}"`;

export interface BridgeOptions {
  input: Readable;
  output: Writable;
  coordinatorSocket: string;
  /** The folder the client started the bridge in; where runs may work without further configuration. */
  cwd: string | undefined;
  /** How many runs stand between a person and the client. */
  depth: number;
  /** Makes the ids of calls unique among bridges. */
  id: string;
  /** A request no coordinator takes for this long is answered with an error. */
  patienceMs: number;
  startCoordinator(): Promise<void>;
  /** Read once, before the first call is passed on; never rejects. */
  credentials: Promise<Record<string, string>>;
  /** Looks at who answers on the socket, at every connection. */
  meet(): Meeting;
  /** Somebody took the fleet down: what was under way is refused instead of starting it again. */
  isTakenDown(): boolean;
  /** What to say when no coordinator came; `error` is what kept it from starting. */
  explain(error: unknown): Refusal;
}

/**
 * Joins a client's stdio to the coordinator's socket. It answers `initialize` and `server/discover`
 * itself, adds who calls to each tools/call, and passes all else on as it came. When the coordinator goes away it dials (and
 * starts) the next one, repeats the handshake and sends again every request not yet answered: calls
 * carry ids, so one that was received twice does nothing twice.
 */
export class Bridge {
  /** Settles once the client is gone or `end` was called. */
  readonly ended: Promise<void>;
  readonly #options: BridgeOptions;
  readonly #pending = createPending();
  readonly #asked = createAsked();
  readonly #subscriptions = createSubscriptions();
  readonly #link: Link;
  readonly #patience: NodeJS.Timeout;
  #initialize: Request | undefined;
  /** Connected and greeted: messages pass straight through. */
  #open = false;
  /** Counts connections made and lost, so that what was begun on one is not finished on another. */
  #connection = 0;
  #calls = 0;
  /** Why nothing is passed on to the coordinator that answers. */
  #misfit: Refusal | undefined;
  #leaving = false;
  #markEnded: () => void = () => undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    this.#link = createLink(options.coordinatorSocket, () => options.startCoordinator(), {
      onUp: () => this.#foundCoordinator(),
      onLine: (line) => this.#fromCoordinator(line),
      onDown: () => this.#lostCoordinator(),
      onDrain: () => options.input.resume(),
      onFailed: (error) => this.#refuseWhere(() => true, options.explain(error)),
    });
    this.#patience = setInterval(() => this.#refuseOverdue(), patienceCheckMs);
    this.#listen();
  }

  end(): void {
    clearInterval(this.#patience);
    this.#link.close();
    this.#markEnded();
  }

  #listen(): void {
    const { input, output } = this.#options;
    const lines = createLineSplitter({
      maxBytes: maxMessageBytes,
      onLine: (line) => this.#fromClient(line),
      onTooLong: () => {
        this.#toClient(rpcFailure(messageTooLong));
        this.#leave();
      },
    });
    input.on('data', lines.push);
    for (const event of ['end', 'close', 'error']) input.on(event, () => this.#leave());
    output.on('drain', () => this.#link.resume());
    output.on('error', () => this.end());
  }

  #fromClient(line: Buffer): void {
    const message = readMessage(line);
    if (message.kind === 'request') {
      this.#takeRequest(message);
      return;
    }
    if (message.kind === 'notification') {
      // The bridge sends its own to each coordinator.
      if (message.method === 'notifications/initialized') return;
      // Nobody answers a cancelled request, so it must not be sent again.
      if (message.method === 'notifications/cancelled') {
        this.#pending.delete(JSON.stringify(readParam(line, 'requestId')));
      }
    }
    const passed = message.kind === 'response' ? this.#asked.answer(message.id, line) : line;
    if (this.#open && passed !== undefined) this.#pass(passed);
  }

  #takeRequest(request: Request): void {
    const { id, method } = request;
    if (method === 'initialize') {
      this.#initialize = request;
      this.#toClient(answerInitialize(id, request.line));
      if (this.#open) this.#shakeHands();
      else this.#link.wake();
      return;
    }
    const discovered = method === 'server/discover' ? answerDiscover(id, request.line) : undefined;
    if (discovered !== undefined) {
      this.#toClient(discovered);
      if (!this.#open) this.#link.wake();
      return;
    }
    const line = method === 'tools/call' ? addCallMeta(request.line, this.#nextCall()) : request.line;
    this.#subscriptions.asked(request);
    this.#pending.add({ id, method, line, waitingFrom: Date.now(), sends: this.#open ? 1 : 0 });
    if (this.#open) {
      this.#pass(line);
      return;
    }
    if (this.#misfit !== undefined) this.#refuseWhere(() => true, this.#misfit);
    this.#link.wake();
    if (this.#pending.bytes > maxHeldBytes) this.#options.input.pause();
  }

  #nextCall(): CallMeta {
    this.#calls += 1;
    const id = `${this.#options.id}.${String(this.#calls)}`;
    const { cwd, depth } = this.#options;
    return cwd === undefined ? { id, depth } : { id, cwd, depth };
  }

  #pass(line: Buffer): void {
    if (!this.#link.send(line)) this.#options.input.pause();
  }

  #foundCoordinator(): void {
    this.#connection += 1;
    const connection = this.#connection;
    const meeting = this.#options.meet();
    if (meeting === 'wait') return;
    if (meeting !== 'fits') {
      this.#misfit = meeting;
      this.#refuseWhere(() => true, meeting);
      return;
    }
    void this.#options.credentials.then((values) => {
      if (connection === this.#connection) this.#greet(values);
    });
  }

  #greet(credentials: Record<string, string>): void {
    this.#open = true;
    this.#shakeHands();
    if (Object.keys(credentials).length > 0) {
      this.#link.send(notification('codex-fleet/credentials', { values: credentials }));
    }
    this.#subscribeAgain();
    for (const request of this.#pending.all()) this.#sendAgain(request);
    this.#options.input.resume();
  }

  #shakeHands(): void {
    if (this.#initialize === undefined) return;
    this.#link.send(replaceId(this.#initialize.line, greetingId));
    this.#link.send(notification('initialized'));
  }

  /** What changed while no coordinator was there nobody has told the client of. */
  #subscribeAgain(): void {
    for (const [at, uri] of this.#subscriptions.all().entries()) {
      const id = `${ownIds}-${String(at)}"`;
      const params = JSON.stringify({ uri });
      this.#link.send(`{"jsonrpc":"2.0","id":${id},"method":"resources/subscribe","params":${params}}`);
      this.#toClient(notification('resources/updated', { uri }));
    }
  }

  #sendAgain(request: PendingRequest): void {
    // A subscription is under way all the time.
    if (request.sends >= maxSends && request.method !== 'subscriptions/listen') {
      this.#refuse(request, {
        code: 'INTERNAL',
        message: 'The coordinator ended several times over this call.',
        next: 'Look at the end of the log that `codex-fleet status` names; it says why.',
      });
      return;
    }
    request.sends += 1;
    this.#link.send(request.line);
  }

  #fromCoordinator(line: Buffer): void {
    const message = readMessage(line);
    if (message.kind === 'response') {
      if (message.id.startsWith(ownIds)) return;
      const request = this.#pending.delete(message.id);
      if (request !== undefined) this.#subscriptions.answered(request, isErrorResponse(line));
      this.#toClient(line);
    } else if (message.kind === 'request') {
      this.#toClient(this.#asked.pass(message));
    } else if (message.kind === 'notification' && message.method === 'notifications/cancelled') {
      const takenBack = this.#asked.takeBack(JSON.stringify(readParam(line, 'requestId')));
      if (takenBack !== undefined) this.#toClient(takenBack);
    } else this.#toClient(line);
    if (this.#leaving && this.#pending.size === 0) this.end();
  }

  #toClient(line: Buffer | string): void {
    if (!writeLine(this.#options.output, line)) this.#link.pause();
  }

  #lostCoordinator(): void {
    this.#connection += 1;
    this.#open = false;
    this.#misfit = undefined;
    this.#pending.waitFrom(Date.now());
    for (const line of this.#asked.takeAllBack()) this.#toClient(line);
    if (this.#options.isTakenDown()) {
      this.#refuseWhere(() => true, { code: 'SHUTTING_DOWN', message: 'The fleet was taken down.' });
    } else {
      this.#link.wake();
    }
  }

  #refuseOverdue(): void {
    if (this.#open) return;
    const since = Date.now() - this.#options.patienceMs;
    this.#refuseWhere(({ waitingFrom }) => waitingFrom <= since, this.#options.explain(undefined));
  }

  #refuseWhere(isDue: (request: PendingRequest) => boolean, refusal: Refusal): void {
    for (const request of this.#pending.all()) {
      if (isDue(request)) this.#refuse(request, refusal);
    }
    if (this.#pending.bytes <= maxHeldBytes) this.#options.input.resume();
  }

  #refuse({ id, method }: PendingRequest, refusal: Refusal): void {
    this.#pending.delete(id);
    this.#toClient(answerUnreachable(id, method, refusal));
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    if (this.#pending.size === 0) this.end();
    else setTimeout(() => this.end(), lastAnswersMs);
  }
}

function notification(name: string, params?: Record<string, unknown>): string {
  const method = `notifications/${name}`;
  return JSON.stringify({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) });
}
