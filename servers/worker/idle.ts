/** Watches for the time when nobody is connected and nothing is to be done. */
export interface IdleWatch {
  connections: (count: number) => void;
  /** Looks again whether something is to be done. */
  look: () => void;
  close: () => void;
}

/** `onIdle` is called after `afterMs` without interruption. */
export function watchIdle(options: {
  afterMs: number;
  isWorking: () => boolean;
  onIdle: () => void;
}): IdleWatch {
  let connections = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const look = (): void => {
    if (!isClosed && connections === 0 && !options.isWorking()) {
      timer ??= setTimeout(options.onIdle, options.afterMs);
      return;
    }
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    connections: (count) => {
      connections = count;
      look();
    },
    look,
    close: () => {
      isClosed = true;
      look();
    },
  };
}
