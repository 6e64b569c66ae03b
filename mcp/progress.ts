import type { ServerNotification } from '@modelcontextprotocol/sdk/types.js';
import type { Progress } from './handlers.ts';
import { isRecord } from './json-rpc.ts';

/** What of the SDK's request context is used. */
export interface RequestExtra {
  signal: AbortSignal;
  sendNotification: (notification: ServerNotification) => Promise<void>;
}

/**
 * Tells the client that sent a progress token how far its call has come: only what is further than it
 * was told before (MCP: the value must rise with each notification). undefined for a client that sent none.
 */
export function progressOf(
  meta: unknown,
  { signal, sendNotification }: RequestExtra,
): ((progress: Progress) => void) | undefined {
  const token = isRecord(meta) ? meta['progressToken'] : undefined;
  if (typeof token !== 'string' && typeof token !== 'number') return undefined;
  let told = -1;
  return (progress) => {
    if (signal.aborted || progress.progress <= told) return;
    told = progress.progress;
    const params = { progressToken: token, ...progress };
    sendNotification({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}
