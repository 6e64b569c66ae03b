import { destination, pino, type Logger } from 'pino';

export type { Logger };

/** Structured lines on stderr: stdout belongs to the protocol. */
export function createLogger(options: { name: string; level?: string | undefined }): Logger {
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
    destination({ dest: 2, sync: true }),
  );
}
