import { EventEmitter } from 'node:events';

/** A hint that there is news in the store. Whoever hears it looks for itself; a lost hint loses nothing. */
export interface Wake {
  notify(): void;
  /** Calls `listener` after every notify, until the returned function is called. */
  on(listener: () => void): () => void;
}

/** Within one process. Hints of one turn of the event loop are heard as one. */
export function createWake(): Wake {
  const emitter = new EventEmitter();
  // One listener a waiting call: there is no number that would be too many.
  emitter.setMaxListeners(0);
  let announced = false;
  return {
    notify() {
      if (announced) return;
      announced = true;
      setImmediate(() => {
        announced = false;
        emitter.emit('news');
      });
    },
    on(listener) {
      emitter.on('news', listener);
      return () => {
        emitter.off('news', listener);
      };
    },
  };
}
