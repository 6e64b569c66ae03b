import { HttpLog } from './http-log.ts';
import { errorNotification, rateLimitsUpdated } from './protocol.ts';
import { oneLine, turnFailure } from './turn-end.ts';

const spentPercent = 100;

/**
 * Sees rate limits as they are met. Codex asks again by itself, five times and without knowing of its
 * neighbours: the turn is ended instead at the first refusal, and the fleet says when it goes on.
 */
export class LimitWatch {
  readonly #log: HttpLog;
  readonly #now: () => number;
  #refusal: string | undefined;
  #windowEnds: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#log = new HttpLog(now);
  }

  /** The provider's words where it refused a call of the run's own thread, and Codex was about to ask again. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  stderr(chunk: Buffer): Buffer {
    return this.#log.push(chunk);
  }

  stderrEnd(): Buffer {
    return this.#log.end();
  }

  /** Whether the turn is to be ended now. */
  notification(method: string, params: unknown, threadId: string | undefined): boolean {
    if (method === 'account/rateLimits/updated') this.#window(params);
    if (method !== 'error') return false;
    const told = errorNotification.safeParse(params);
    if (!told.success || !told.data.willRetry || told.data.threadId !== threadId) return false;
    const { error } = told.data;
    const details = error.additionalDetails ?? error.message;
    const limited = turnFailure(error).code === 'rateLimitExceeded' || /^rate limit exceeded/i.test(details);
    if (!limited || this.#refusal !== undefined) return false;
    this.#refusal = oneLine(details);
    return true;
  }

  /** When the limit ends that `code` and `message` tell of; ms since the epoch. */
  retryAt({ code, message }: { code: string; message: string }): number | undefined {
    if (code === 'usageLimitExceeded') return this.#windowEnds;
    return code === 'rateLimitExceeded' ? (this.#log.retryAt ?? this.#inWords(message)) : undefined;
  }

  #inWords(message: string): number | undefined {
    const found = /try again in (\d{1,9}(?:\.\d+)?)\s?(ms|s)\b/i.exec(message);
    return found === null
      ? undefined
      : this.#now() + Math.ceil(Number(found[1]) * (found[2] === 's' ? 1_000 : 1));
  }

  /** Of the windows that are used up, the end of the last. */
  #window(params: unknown): void {
    const told = rateLimitsUpdated.safeParse(params);
    if (!told.success) return;
    const { primary, secondary } = told.data.rateLimits;
    const ends = [primary, secondary].flatMap((window) =>
      typeof window?.resetsAt === 'number' && window.usedPercent >= spentPercent
        ? [window.resetsAt * 1_000]
        : [],
    );
    this.#windowEnds = ends.length === 0 ? undefined : Math.max(...ends);
  }
}
