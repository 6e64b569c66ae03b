import { destination, pino, type Logger } from 'pino';

export type { Logger };

/** What waits for room on a full disk, in characters; lines beyond that are dropped. */
const maxWaiting = 65_536;

/** Structured lines on stderr: stdout belongs to the protocol. What cannot be logged ends nobody. */
export function createLogger(options: { name: string; level?: string | undefined }): Logger {
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
    stderr,
  );
}
