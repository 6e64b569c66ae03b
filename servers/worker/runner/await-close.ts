import type { ChildProcess } from 'node:child_process';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';

/** After the tree is dead, pipes that stay silent this long are held by someone who is not of the tree. */
const quietMs = 500;
/** And no such holder may keep a run open by writing for ever. */
const limitMs = 5_000;

/**
 * Follows a child to its `close`: `exit` alone comes before the last bytes. `settled` is awaited once
 * the tree is dead; it gives up on pipes that somebody outside the tree holds open.
 */
export function awaitClose(child: ChildProcess): { settled(): Promise<void> } {
  let isClosed = false;
  let chunks = 0;
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      isClosed = true;
      resolve();
    });
  });
  const count = (): void => {
    chunks += 1;
  };
  const giveUp = async (signal: AbortSignal): Promise<void> => {
    const started = performance.now();
    child.stdout?.on('data', count);
    child.stderr?.on('data', count);
    for (let seen = -1; seen !== chunks && performance.now() - started < limitMs;) {
      seen = chunks;
      await delay(quietMs, undefined, { signal });
      // Timers run before reads: after a busy moment the pipe may hold bytes nobody looked at yet.
      await setImmediate();
      await setImmediate();
    }
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  return {
    async settled() {
      if (isClosed) return;
      const timer = new AbortController();
      await Promise.race([closed, giveUp(timer.signal).catch(() => undefined)]);
      timer.abort();
    },
  };
}
