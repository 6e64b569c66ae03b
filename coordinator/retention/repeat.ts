import type { Logger } from '../../platform/log.ts';
import type { Vault } from '../privacy/vault.ts';
import type { Retention } from './retention.ts';

/** After a start there is more urgent work, and workers are not back yet. */
const firstMs = 60_000;
const everyMs = 600_000;

/** Keeps the store in order until what it answers is called. */
export function repeatCollect(retention: Retention, vault: Pick<Vault, 'expire'>, log: Logger): () => void {
  let timer = setTimeout(collect, firstMs);
  let isClosed = false;
  timer.unref();

  function collect(): void {
    retention
      .collect(false)
      .then(() => vault.expire())
      .catch((error: unknown) => log.error({ err: error }, 'what is over could not be forgotten'))
      .finally(() => {
        if (isClosed) return;
        timer = setTimeout(collect, everyMs);
        timer.unref();
      });
  }
  return () => {
    isClosed = true;
    clearTimeout(timer);
  };
}
