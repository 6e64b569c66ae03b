import { randomBytes } from 'node:crypto';
import { keyBytes } from '../../../platform/privacy/keys.ts';
import { privacyParams } from '../../../schemas/privacy.ts';

/** What a task's surrogates are made with. */
export interface TaskKeys {
  surrogateKey: Uint8Array;
  /** undefined where a coordinator has given none: then nobody can open what would be sealed. */
  publicKey: Uint8Array | undefined;
}

/** The keys of tasks, in memory only. */
export interface KeysOfTasks {
  /** Takes the params of a notification; anything else is ignored. Later keys of a task replace earlier ones. */
  take(params: unknown): void;
  /** Where nobody has given any, this worker's own: nobody can undo their surrogates. */
  of(taskId: string): TaskKeys;
  /** Settles when a coordinator has given the task's, or does not in time. */
  given(taskId: string, withinMs: number): Promise<void>;
}

export function createTaskKeys(): KeysOfTasks {
  const tasks = new Map<string, TaskKeys>();
  const waiting = new Map<string, Set<() => void>>();
  const isGiven = (taskId: string): boolean => tasks.get(taskId)?.publicKey !== undefined;
  return {
    take(params) {
      const given = privacyParams.safeParse(params);
      if (!given.success) return;
      const { task_id: taskId, surrogate_key, public_key } = given.data;
      const surrogateKey = Buffer.from(surrogate_key, 'base64');
      const publicKey = Buffer.from(public_key, 'base64');
      if (surrogateKey.length !== keyBytes || publicKey.length !== keyBytes) return;
      tasks.set(taskId, { surrogateKey, publicKey });
      for (const wake of waiting.get(taskId) ?? []) wake();
    },
    of(taskId) {
      const known = tasks.get(taskId);
      if (known !== undefined) return known;
      const own = { surrogateKey: randomBytes(keyBytes), publicKey: undefined };
      tasks.set(taskId, own);
      return own;
    },
    async given(taskId, withinMs) {
      if (isGiven(taskId)) return;
      const here = waiting.get(taskId) ?? new Set();
      waiting.set(taskId, here);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(over, withinMs);
        timer.unref();
        function over(): void {
          clearTimeout(timer);
          here.delete(over);
          if (here.size === 0) waiting.delete(taskId);
          resolve();
        }
        here.add(over);
      });
    },
  };
}
