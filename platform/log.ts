import { destination, pino, type Logger } from 'pino';
import type { Config } from '../schemas/config.ts';

export type { Logger };

/** What waits for room on a full disk, in characters; lines beyond that are dropped. */
const maxWaiting = 65_536;

/**
 * Structured lines on stderr: stdout belongs to the protocol. What cannot be logged ends nobody. `guard`
 * changes each line before it is written.
 */
export function createLogger(options: {
  name: string;
  level?: string | undefined;
  guard?: ((line: string) => string) | undefined;
}): Logger {
  const { guard } = options;
  const stderr = destination({ dest: 2, sync: true, maxLength: maxWaiting });
  stderr.on('error', () => undefined);
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
    guard === undefined ? stderr : { write: (line: string) => stderr.write(guard(line)) },
  );
}

/** Replaces private values in log lines by their type; nobody can put them back. undefined where the guard is off. */
export async function logGuard({
  mode,
  types,
  known_values: knownValues,
}: Config['privacy']): Promise<((line: string) => string) | undefined> {
  if (mode === 'off') return undefined;
  const { guardText } = await import('../core/privacy/guard.ts');
  return (line) =>
    guardText(line, {
      replace: ({ type, raw }) => (type === 'TEXT' ? raw : `[${type}]`),
      types,
      knownValues,
    });
}
