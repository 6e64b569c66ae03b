import { destination, pino, type Logger } from 'pino';
import { escapeHidden } from '../core/visible-json.ts';
import { parseJson } from '../core/parse-json.ts';
import type { Config } from '../schemas/config.ts';

export type { Logger };

/** What waits for room on a full disk, in characters; lines beyond that are dropped. */
const maxWaiting = 65_536;

/**
 * Structured lines on stderr: stdout belongs to the protocol. What cannot be logged ends nobody. `guard`
 * changes lines before they are written.
 */
export function createLogger(options: {
  name: string;
  level?: string | undefined;
  guard?: LogGuard | undefined;
}): Logger {
  const { guard } = options;
  const stderr = destination({ dest: 2, sync: true, maxLength: maxWaiting });
  stderr.on('error', () => undefined);
  // What a worker, an engine or a repository said stands in a line as text, whatever shows the log.
  const write = (line: string): void => void stderr.write(escapeHidden(line));
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      base: { pid: process.pid },
      redact: {
        paths: ['*.secret', '*.authorization', '*.token', '*.values', 'secret', 'values'],
        censor: '[hidden]',
      },
    },
    guard === undefined ? { write } : guardedBy(guard, write),
  );
}

/** Makes lines such that they may be kept. */
export interface LogGuard {
  load(): Promise<(line: string) => string>;
}

/** Fields of lines whose values are our own words, ids and counts: nothing to be replaced stands there. */
const ownFields = new Set(
  (
    'level time pid name msg worker boot run run_id signal how port drained runs handles bytes kept owed freed ' +
    'processes cgroups'
  ).split(' '),
);

/**
 * What finds private values takes some MB and 0.2 s: it is loaded for the first line that may have one, which
 * waits for it. A process that ends before writes what is its own of such lines.
 */
function guardedBy(guard: LogGuard, write: (line: string) => void): { write(line: string): void } {
  let change: ((line: string) => string) | undefined;
  let waiting: string[] | undefined;
  let waitingLength = 0;
  const leave = (): void => {
    for (const line of waiting ?? []) write(`${JSON.stringify(ownPart(line))}\n`);
    waiting = undefined;
  };
  function load(first: string): void {
    waiting = [first];
    process.once('exit', leave);
    guard.load().then(
      (loaded) => {
        change = loaded;
        process.off('exit', leave);
        for (const line of waiting ?? []) write(loaded(line));
        waiting = undefined;
      },
      () => {
        leave();
      },
    );
  }
  return {
    write(line) {
      if (change !== undefined) write(isOwn(line) ? line : change(line));
      else if (waiting === undefined && isOwn(line)) write(line);
      else if (waiting === undefined) load(line);
      else if ((waitingLength += line.length) <= maxWaiting) waiting.push(line);
    },
  };
}

function isOwn(line: string): boolean {
  const parsed = parseJson(line);
  return isObject(parsed) && Object.keys(parsed).every((field) => ownFields.has(field));
}

function ownPart(line: string): Record<string, unknown> {
  const parsed = parseJson(line);
  if (!isObject(parsed)) return {};
  return Object.fromEntries(Object.entries(parsed).filter(([field]) => ownFields.has(field)));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Replaces private values in log lines by their type; nobody can put them back. undefined where the guard is off. */
export function logGuard({
  mode,
  types,
  known_values: knownValues,
}: Config['privacy']): LogGuard | undefined {
  if (mode === 'off') return undefined;
  return {
    async load() {
      const { guardText } = await import('../core/privacy/guard.ts');
      return (line) =>
        guardText(line, {
          replace: ({ type, raw }) => (type === 'TEXT' ? raw : `[${type}]`),
          types,
          knownValues,
        });
    },
  };
}
