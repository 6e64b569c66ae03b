import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessTree } from './process-tree.ts';

/** TERM to the tree, KILL to what is left of it after `graceMs`. */
export async function terminate(tree: ProcessTree, ended: Promise<unknown>, graceMs: number): Promise<void> {
  if (graceMs > 0) {
    tree.askToEnd();
    const grace = new AbortController();
    await Promise.race([ended, delay(graceMs, undefined, { signal: grace.signal }).catch(() => undefined)]);
    grace.abort();
  }
  await tree.kill();
}
