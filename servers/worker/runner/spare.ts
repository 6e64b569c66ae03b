/** Something made ahead of time, so that the next one is there at once. */
export interface Spares<Item> {
  /** The spare where there is a good one, else a new one once it is made. The next is begun either way. */
  take(): Item | Promise<Item>;
  close(): Promise<void>;
}

/** Keeps one item ahead. `make` may fail: then only whoever asks is told. */
export function keepSpare<Item>(options: {
  make: () => Promise<Item>;
  isGood: (item: Item) => boolean;
  discard: (item: Item) => Promise<void>;
}): Spares<Item> {
  let spare: Item | undefined;
  let making: Promise<void> | undefined;
  let isClosed = false;

  const refill = (): void => {
    if (isClosed || spare !== undefined || making !== undefined) return;
    making = options
      .make()
      .then(async (item) => {
        if (isClosed) await options.discard(item);
        else spare = item;
      })
      .catch(() => undefined)
      .finally(() => {
        making = undefined;
      });
  };
  refill();

  return {
    take() {
      const item = spare;
      spare = undefined;
      // After the caller's own work of this turn: making one blocks the event loop for a moment.
      setImmediate(refill);
      return item !== undefined && options.isGood(item) ? item : options.make();
    },
    async close() {
      isClosed = true;
      await making;
      const item = spare;
      spare = undefined;
      if (item !== undefined) await options.discard(item);
    },
  };
}
