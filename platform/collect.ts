import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By then a process of ours has loaded what it needs and compiled what it runs at its start. */
const settledMs = 1_000;

/**
 * Gives back what starting up left in memory, about 4 MB that V8 would keep until the heap has grown:
 * one full collection (measured at 10 to 20 ms) once nothing is under way. Keeps no process alive.
 */
export function collectOnceSettled(isWorking: () => boolean): void {
  const timer = setInterval(() => {
    if (isWorking()) return;
    clearInterval(timer);
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    setFlagsFromString('--no-expose-gc');
  }, settledMs);
  timer.unref();
}
