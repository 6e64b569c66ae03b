import type { Stage } from './stage.ts';

/** One stroke after the other, for so long. */
export async function goOn(
  { time, unreached }: Stage,
  forMs: number,
  stroke: (n: number) => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  const goneMs = (): number => performance.now() - begun;
  for (let n = 0; goneMs() < forMs; n += 1) {
    if (time.isUp()) {
      unreached.push(
        `${String(Math.round((forMs - goneMs()) / 1000))} of ${String(Math.round(forMs / 1000))} s`,
      );
      return;
    }
    await stroke(n);
  }
}
