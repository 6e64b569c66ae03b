import { connect, type Socket } from 'node:net';
import { createLineSplitter } from '../../mcp/line-splitter.ts';
import { writeLine } from './write-line.ts';

/** Starting a coordinator takes less than a second; after this long another try is due. */
const startAgainAfterMs = 3_000;
/** A coordinator nobody waits for any more is not dialled for ever. */
const giveUpAfterMs = 30_000;
const firstRetryMs = 10;
const slowestRetryMs = 100;

export interface LinkEvents {
  onUp(): void;
  /** One message, without its newline. */
  onLine(line: Buffer): void;
  onDown(): void;
  /** The coordinator reads again after `send` answered false. */
  onDrain(): void;
  /** The coordinator could not even be started. The link rests. */
  onFailed(error: unknown): void;
}

/** The connection to the coordinator, made again whenever it is wanted and not there. */
export interface Link {
  /** Dials until the coordinator answers, starting it where none does. */
  wake(): void;
  /** Stops dialling; a connection that stands is kept. */
  rest(): void;
  /** False: enough for now, `onDrain` says when to go on. Dropped where the link is down. */
  send(line: Buffer | string): boolean;
  pause(): void;
  resume(): void;
  close(): void;
}

export function createLink(path: string, start: () => Promise<void>, events: LinkEvents): Link {
  let socket: Socket | undefined;
  let retry: NodeJS.Timeout | undefined;
  let dialling = false;
  let tries = 0;
  let wokenAt = 0;
  let startedAt = 0;

  const dial = (): void => {
    const attempt = connect(path);
    attempt.on('error', () => undefined);
    attempt.once('connect', () => {
      if (!dialling) {
        attempt.destroy();
        return;
      }
      dialling = false;
      socket = attempt;
      const lines = createLineSplitter({
        maxBytes: Infinity,
        onLine: (line) => events.onLine(line),
        onTooLong: () => undefined,
      });
      attempt.on('data', lines.push);
      attempt.on('drain', () => events.onDrain());
      events.onUp();
    });
    attempt.once('close', () => {
      if (socket === attempt) {
        socket = undefined;
        events.onDown();
      } else if (dialling && Date.now() - wokenAt > giveUpAfterMs) {
        dialling = false;
      } else if (dialling) {
        startWhereDue();
        retry = setTimeout(dial, Math.min(firstRetryMs * 2 ** tries, slowestRetryMs));
        tries += 1;
      }
    });
  };

  const startWhereDue = (): void => {
    if (Date.now() - startedAt < startAgainAfterMs) return;
    startedAt = Date.now();
    start().catch((error: unknown) => {
      link.rest();
      events.onFailed(error);
    });
  };

  const link: Link = {
    wake: () => {
      wokenAt = Date.now();
      if (dialling || socket !== undefined) return;
      dialling = true;
      tries = 0;
      startedAt = 0;
      dial();
    },
    rest: () => {
      dialling = false;
      clearTimeout(retry);
    },
    send: (line) => (socket === undefined ? true : writeLine(socket, line)),
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
    close: () => {
      link.rest();
      socket?.destroy();
      socket = undefined;
    },
  };
  return link;
}
