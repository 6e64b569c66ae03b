import { typesFor, destinationsOf } from '../../core/privacy/destinations.ts';
import { addCounts, restore, type Restored } from '../../core/privacy/restore.ts';
import { withNames, withText } from '../../core/privacy/spec-text.ts';
import type { Replaced, SurrogateGuard } from '../../core/privacy/surrogate-guard.ts';
import { findSurrogates } from '../../core/privacy/surrogate-scan.ts';
import type { Logger } from '../../platform/log.ts';
import { createMac } from '../../platform/privacy/keys.ts';
import type { Config } from '../../schemas/config.ts';
import { privacyMethod, type AttemptPrivacy, type SurrogateType } from '../../schemas/privacy.ts';
import type { RunSpec } from '../../schemas/run.ts';
import type { FleetWorker } from '../fleet/fleet-worker.ts';
import type { WorkerLink } from '../fleet/worker-link.ts';
import type { RunRecord } from '../store/run-store.ts';
import type { Scope, Vault } from './vault.ts';
import { isGenuine, type Mac } from '../../core/privacy/surrogate.ts';

/** Of a worker, what says what it may have. */
type Receiver = Pick<FleetWorker, 'id' | 'origin' | 'labels'>;
type Notified = Pick<WorkerLink, 'notify'>;
type Guarded = Pick<RunRecord, 'run_id' | 'spec'>;

/** The guard on the coordinator's side: what it keeps, and what it puts back on the way to a worker. */
export interface Privacy {
  /** Specs as they may be kept. What their surrogates stand for is in the vault on return. */
  protect(specs: readonly RunSpec[]): Promise<RunSpec[]>;
  /** A run's spec as its worker may see it, after the worker has what it needs to make the surrogates of the task. */
  outgoing(worker: Receiver, link: Notified, run: Guarded): Promise<Outgoing>;
  /** The same for a message to a run under way, or for none. */
  message<T extends string | undefined>(
    worker: Receiver,
    link: Notified,
    run: Guarded,
    text: T,
  ): Promise<T | string>;
  /** Gives a worker that came back what it needs of the tasks it has runs of. Never rejects. */
  tellAgain(link: Notified, taskIds: Iterable<string>): Promise<void>;
  /** Words of a worker about what it was sent, as they may be kept. */
  words(run: Guarded, text: string): Promise<string>;
}

export interface Outgoing {
  spec: RunSpec;
  /** For the attempt's record; undefined where there was nothing to put back. */
  told: AttemptPrivacy | undefined;
}

export interface PrivacyOptions {
  vault: Vault;
  privacy: Config['privacy'];
  log: Logger;
}

type Change = (text: string) => string;

/** For a look whether there is anything to replace. */
const noKey = createMac(new Uint8Array(32));

export function createPrivacy({ vault, privacy, log }: PrivacyOptions): Privacy {
  /** The keys each connection was told, by scope: with it they are gone from the worker, or may be. */
  const told = new WeakMap<Notified, Map<string, Buffer>>();

  async function protectOne(spec: RunSpec): Promise<RunSpec> {
    if ((await guarded(spec, noKey)).found.length === 0) {
      // Made beside the run's own commit: its worker gets the key.
      vault.scope(spec.task_id).catch((error: unknown) => {
        log.warn({ err: error }, 'the keys of a task could not be made yet');
      });
      return spec;
    }
    const scope = await vault.scope(spec.task_id);
    const { kept, found } = await guarded(spec, scope.mac);
    await vault.put(scope, storable(found));
    return kept;
  }

  function storable(found: readonly Replaced[]): Replaced[] {
    return found.filter(({ type }) => type !== 'SECRET' || privacy.keep_secrets);
  }

  async function guardOf(mac: Mac): Promise<{ guard: SurrogateGuard; found: Replaced[] }> {
    const { createSurrogateGuard } = await import('../../core/privacy/surrogate-guard.ts');
    const found: Replaced[] = [];
    const guard = createSurrogateGuard({
      mac,
      types: privacy.types,
      knownValues: privacy.known_values,
      onNew: (replaced) => found.push(replaced),
    });
    return { guard, found };
  }
  /** The spec with surrogates, and what they stand for. */
  async function guarded(spec: RunSpec, mac: Mac): Promise<{ kept: RunSpec; found: Replaced[] }> {
    const { guard, found } = await guardOf(mac);
    return { kept: withNames(withText(spec, guard.text), guard.text), found };
  }
  async function guardedText(text: string, mac: Mac): Promise<{ kept: string; found: Replaced[] }> {
    const { guard, found } = await guardOf(mac);
    return { kept: guard.text(text), found };
  }

  async function tell(link: Notified, scope: Scope): Promise<void> {
    const keys = told.get(link) ?? new Map<string, Buffer>();
    told.set(link, keys);
    if (keys.get(scope.id)?.equals(scope.surrogateKey) === true) return;
    await link.notify(privacyMethod, {
      task_id: scope.id,
      surrogate_key: scope.surrogateKey.toString('base64'),
      public_key: scope.publicKey.toString('base64'),
    });
    keys.set(scope.id, scope.surrogateKey);
  }

  /** Puts back what may be, by `apply`, and takes it down. */
  async function putBack<T>(
    scope: Scope,
    worker: Receiver,
    runId: string,
    apply: (change: Change) => T,
  ): Promise<{ result: T; told: AttemptPrivacy | undefined }> {
    const destinations = destinationsOf(worker);
    const types = typesFor(privacy.allow, destinations);
    const parts: Restored[] = [];
    const result = apply((text) => {
      const part = restore(text, {
        mac: scope.mac,
        allows: (type: SurrogateType) => type !== 'TEXT' && types.has(type),
        look: (surrogate) => vault.look(scope, surrogate)?.toString(),
      });
      parts.push(part);
      return part.text;
    });
    const restored = parts.reduce((sum, part) => addCounts(sum, part.restored), {});
    const withheld = parts.reduce((sum, part) => addCounts(sum, part.withheld), {});
    const unknown = parts.reduce((sum, part) => sum + part.unknown, 0);
    const counted = Object.keys(restored).length + Object.keys(withheld).length + unknown;
    if (counted === 0) return { result, told: undefined };
    const destination = destinations.join(',');
    await vault.audit({
      scope: scope.id,
      run_id: runId,
      handle_id: null,
      destination: `${worker.id} (${destination})`,
      allowed: types.size > 0 ? 1 : 0,
      restored: JSON.stringify(restored),
      withheld: JSON.stringify(withheld),
      unknown,
    });
    if (unknown > 0) log.warn({ run: runId, unknown }, 'surrogates nobody knows were left as they are');
    return {
      result,
      told: {
        ...(Object.keys(restored).length > 0 && { restored: { destination, counts: restored } }),
        ...(Object.keys(withheld).length > 0 && { withheld }),
        ...(unknown > 0 && { unknown }),
      },
    };
  }

  return {
    async protect(specs) {
      if (privacy.mode === 'off') return [...specs];
      return Promise.all(specs.map(protectOne));
    },
    async outgoing(worker, link, run) {
      const { task_id: taskId } = run.spec;
      const scope = privacy.mode === 'off' ? vault.known(taskId) : await vault.scope(taskId);
      if (scope === undefined) return { spec: run.spec, told: undefined };
      if (privacy.mode === 'enforce') await tell(link, scope);
      const { result: spec, told: record } = await putBack(scope, worker, run.run_id, (change) =>
        withText(run.spec, change),
      );
      return { spec, told: record };
    },
    async message(worker, link, run, text) {
      const { task_id: taskId } = run.spec;
      const scope = privacy.mode === 'off' ? vault.known(taskId) : await vault.scope(taskId);
      if (scope === undefined) return text;
      if (privacy.mode === 'enforce') await tell(link, scope);
      if (text === undefined) return text;
      // What the caller wrote out goes no further than what it named by surrogates.
      const { kept, found } =
        privacy.mode === 'off' ? { kept: text, found: [] } : await guardedText(text, scope.mac);
      await vault.put(scope, storable(found));
      return (await putBack(scope, worker, run.run_id, (change) => change(kept))).result;
    },
    async tellAgain(link, taskIds) {
      if (privacy.mode === 'off') return;
      for (const taskId of new Set(taskIds)) {
        try {
          await tell(link, await vault.scope(taskId));
        } catch (error) {
          log.warn({ err: error, task: taskId }, 'a worker could not be given the keys of a task');
        }
      }
    },
    async words(run, text) {
      const scope = privacy.mode === 'off' ? undefined : vault.known(run.spec.task_id);
      if (scope === undefined) return text;
      const hidden = hide(text, putBackIn(run, scope));
      const { kept, found } = await guardedText(hidden, scope.mac);
      await vault.put(scope, kept === hidden ? [] : storable(found));
      return kept;
    },
  };

  /** What of the run's spec a worker may have been shown, with what stands for it. */
  function putBackIn(run: Guarded, scope: Scope): Map<string, string> {
    const values = new Map<string, string>();
    withText(run.spec, (text) => {
      for (const { type, body } of findSurrogates(text)) {
        const surrogate = `${type}_${body}`;
        const value = isGenuine(scope.mac, type, body) ? vault.look(scope, surrogate)?.toString() : undefined;
        if (value !== undefined && value.length > 1) values.set(value, surrogate);
      }
      return text;
    });
    return values;
  }
}

/** The longest first: one may be part of another. */
function hide(text: string, values: ReadonlyMap<string, string>): string {
  const byLength = [...values].sort(([a], [b]) => b.length - a.length);
  return byLength.reduce((hidden, [value, surrogate]) => hidden.replaceAll(value, () => surrogate), text);
}
