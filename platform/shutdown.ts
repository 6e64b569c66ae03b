const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type ShutdownSignal = (typeof signals)[number];

/** Calls `stop` once for the first of SIGINT, SIGTERM, SIGHUP; the returned function unregisters. */
export function onShutdown(stop: (signal: ShutdownSignal) => void): () => void {
  let stopped = false;
  const handler = (signal: ShutdownSignal): void => {
    if (stopped) return;
    stopped = true;
    stop(signal);
  };
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}
