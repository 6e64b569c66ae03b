import type { Child } from './child.ts';

/** After the tree is dead, pipes that stay silent this long are held by someone who is not of the tree. */
const quietMs = 500;
/** And no such holder may keep a run open by writing for ever. */
const limitMs = 5_000;

/**
 * Follows a child to its `close`: `exit` alone comes before the last bytes. `settled` is awaited once
 * the tree is dead; it gives up on pipes that somebody outside the tree holds open.
 */
export function awaitClose(child: Child): { settled(): Promise<void> } {
  let isClosed = false;
  let whenClosed: () => void = () => undefined;
  child.once('close', () => {
    isClosed = true;
    whenClosed();
  });
  return {
    settled: () =>
      new Promise((resolve) => {
        if (isClosed) {
          resolve();
          return;
        }
        const stopWatching = watchForQuiet(child, () => {
          child.stdout?.destroy();
          child.stderr?.destroy();
          resolve();
        });
        whenClosed = () => {
          stopWatching();
          resolve();
        };
      }),
  };
}

/** Calls `giveUp` once nothing has come for a while; the returned function calls it off. */
function watchForQuiet(child: Child, giveUp: () => void): () => void {
  const started = performance.now();
  let chunks = 0;
  const count = (): void => {
    chunks += 1;
  };
  child.stdout?.on('data', count);
  child.stderr?.on('data', count);
  let timer: NodeJS.Timeout;
  const waitOn = (seen: number): void => {
    timer = setTimeout(() => {
      // Timers run before reads: after a busy moment the pipe may hold bytes nobody looked at yet.
      setImmediate(() => {
        if (chunks !== seen && performance.now() - started < limitMs) waitOn(chunks);
        else giveUp();
      });
    }, quietMs);
  };
  waitOn(chunks);
  return () => {
    clearTimeout(timer);
  };
}
