/** Joins what comes close together: the first is told at once, what follows within `quietMs` once after it. */
export interface Coalescer {
  poke: () => void;
  close: () => void;
}

export function createCoalescer(tell: () => void, quietMs: number): Coalescer {
  let timer: NodeJS.Timeout | undefined;
  let isDue = false;
  const rest = (): void => {
    timer = setTimeout(() => {
      timer = undefined;
      if (!isDue) return;
      isDue = false;
      tell();
      rest();
    }, quietMs);
    timer.unref();
  };
  return {
    poke: () => {
      if (timer !== undefined) {
        isDue = true;
        return;
      }
      tell();
      rest();
    },
    close: () => {
      clearTimeout(timer);
      isDue = false;
    },
  };
}
