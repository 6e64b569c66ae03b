import { createOpener } from '../../platform/privacy/sealing.ts';
import type { SealedValue } from '../../schemas/privacy.ts';
import { workerRequests } from '../../schemas/operator.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { RunDetail } from '../../schemas/worker.ts';
import type { Logger } from '../../platform/log.ts';
import type { WorkerLink } from '../fleet/worker-link.ts';
import type { Scope, StoredValue, Vault } from './vault.ts';

/** Fetches what workers found out that surrogates stand for. */
export interface Collect {
  /** Settles when all the worker has told of is in the vault; rejects where it cannot be asked. */
  from(link: WorkerLink, taskId: string, detail: RunDetail): Promise<void>;
}

const method = 'codex-fleet/sealed_values';

export function createCollect(vault: Vault, log: Logger): Collect {
  /** How many values of a run are in the vault, by the run's id on its worker. */
  const fetched = new Map<string, number>();

  function open(scope: Scope, sealed: readonly SealedValue[]): StoredValue[] {
    const openers = new Map<string, ReturnType<typeof createOpener>>();
    return sealed.flatMap(({ surrogate, ephemeral, box }) => {
      const opener =
        openers.get(ephemeral) ?? createOpener(scope.privateKey, Buffer.from(ephemeral, 'base64'));
      openers.set(ephemeral, opener);
      const raw = opener(Buffer.from(box, 'base64'), `${scope.id}|${surrogate}`);
      if (raw === undefined) log.warn({ scope: scope.id }, 'a sealed value cannot be opened');
      return raw === undefined ? [] : [{ surrogate, raw }];
    });
  }
  return {
    async from(link, taskId, { run_id: runId, status, privacy }) {
      const count = privacy?.sealed ?? 0;
      let have = fetched.get(runId) ?? 0;
      const scope = count > have ? vault.known(taskId) : undefined;
      for (let more = scope !== undefined; more && scope !== undefined;) {
        const page = await link.request(method, workerRequests[method], { run_id: runId, from: have });
        await vault.put(scope, open(scope, page.values));
        have += page.values.length;
        more = page.more;
      }
      if (isTerminal(status)) {
        fetched.delete(runId);
        if (count > 0)
          await link.request(method, workerRequests[method], { run_id: runId, from: have, done: true });
      } else if (have > 0) {
        fetched.set(runId, have);
      }
    },
  };
}
