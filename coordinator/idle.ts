/** Ends something that nobody has used for a while. */
export interface Idle {
  /** Says whether it is in use now; asked for at every change. */
  update(inUse: boolean): void;
  close(): void;
}

export function watchIdle(afterMs: number, onIdle: () => void): Idle {
  let timer: NodeJS.Timeout | undefined;
  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
  }
  return {
    update(inUse) {
      if (inUse) stop();
      else timer ??= setTimeout(onIdle, afterMs);
    },
    close: stop,
  };
}
