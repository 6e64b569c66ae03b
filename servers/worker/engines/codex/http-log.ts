/**
 * What Codex's HTTP client logs of each answer, asked for by `httpLogFilter`: the only place where a
 * Retry-After can be read. A hint and no more: a Codex that logs otherwise only costs the hint.
 */
export const httpLogFilter = 'error,codex_http_client::client=debug';

const ownTarget = 'codex_http_client::client';
const maxLineLength = 64 * 1024;
const colours = /\u001b\[[0-9;]*m/g;

/** Takes the lines of that log out of a process's stderr. */
export class HttpLog {
  #rest = '';
  #retryAt: number | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** When the latest refusal by rate (429) said to come back; ms since the epoch. */
  get retryAt(): number | undefined {
    return this.#retryAt;
  }

  /** What is left for everybody to see; an unfinished line is held back. */
  push(chunk: Buffer): Buffer {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    let left = lines.map((line) => (this.#take(line) ? '' : `${line}\n`)).join('');
    if (this.#rest.length > maxLineLength) {
      left += this.#rest;
      this.#rest = '';
    }
    return Buffer.from(left, 'latin1');
  }

  /** The last line, where it was not finished. */
  end(): Buffer {
    const rest = this.#rest;
    this.#rest = '';
    return Buffer.from(this.#take(rest) ? '' : rest, 'latin1');
  }

  #take(coloured: string): boolean {
    const line = coloured.replaceAll(colours, '');
    if (!line.includes(` DEBUG `) || !line.includes(ownTarget)) return false;
    if (/\bstatus=429\b/.test(line)) this.#retryAt = retryAtOf(line, this.#now()) ?? this.#retryAt;
    return true;
  }
}

/** Seconds or a date (RFC 9110, 10.2.3); some providers give milliseconds beside it. */
function retryAtOf(line: string, now: number): number | undefined {
  const ms = /"retry-after-ms": "(\d{1,12})(?:\.\d+)?"/.exec(line)?.[1];
  if (ms !== undefined) return now + Number(ms);
  const value = /"retry-after": "([^"]{1,64})"/.exec(line)?.[1];
  if (value === undefined) return undefined;
  if (/^\d{1,9}(\.\d+)?$/.test(value)) return now + Math.ceil(Number(value) * 1_000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : date;
}
