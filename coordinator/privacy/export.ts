import { FleetError } from '../../core/errors.ts';
import { typesFor } from '../../core/privacy/destinations.ts';
import { addCounts, count } from '../../core/privacy/restore.ts';
import { isGenuine } from '../../core/privacy/surrogate.ts';
import { findSurrogates } from '../../core/privacy/surrogate-scan.ts';
import type { Config } from '../../schemas/config.ts';
import { originalOf, type PrivateType, type TypeCounts } from '../../schemas/privacy.ts';
import { workerRequests } from '../../schemas/operator.ts';
import { reachTimeoutMs } from '../handlers/find-run.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FoundHandle, RunRecord, RunStore } from '../store/run-store.ts';
import { openOriginal } from './open-original.ts';
import type { Scope, Vault } from './vault.ts';

interface ExportDeps {
  store: Pick<RunStore, 'get'>;
  fleet: Pick<Fleet, 'reach'>;
  vault: Vault;
  config: Pick<Config, 'privacy'>;
}

/** Of a handle, what its values are looked up by. */
type Found = Pick<FoundHandle, 'run_id'> & { handle: Pick<FoundHandle['handle'], 'handle_id'> };

const method = 'codex-fleet/sealed_original';
const pageBytes = 2 * 1024 * 1024;

/** The way of private values out of the fleet, to sinks that may have them. Either way it is on record. */
export interface Exports {
  /**
   * A stretch of what is behind a handle as it was; undefined where nothing was replaced, or what is
   * kept of it are surrogates alone: then `restore` has their values. The first stretch decides whether the
   * sink may have it; UNAUTHORIZED where not.
   */
  page(found: FoundHandle, sink: string, from: number): Promise<{ data?: string; more: boolean }>;
  /** What surrogates stand for, of those types the sink may have. UNAUTHORIZED where it may have none. */
  restore(found: Found, sink: string, surrogates: readonly string[]): Promise<Record<string, string>>;
}

/** What was asked for last stays in memory until its last page has left. */
export function createExports(deps: ExportDeps): Exports {
  const { store, vault, config } = deps;
  let held: { handleId: string; sink: string; original: Buffer } | undefined;

  async function scopeOf(run: RunRecord | undefined): Promise<Scope | undefined> {
    return Promise.resolve(run && vault.known(run.spec.task_id));
  }
  return {
    async page(found, sink, from) {
      const { handle_id: handleId } = found.handle;
      const isHeld = from > 0 && held?.handleId === handleId && held.sink === sink;
      const run = await store.get(found.run_id);
      const scope = await scopeOf(run);
      const original =
        isHeld || run === undefined || scope === undefined
          ? held?.original
          : await exportOriginal(deps, { found, run, scope, sink });
      if (original === undefined || scope === undefined) return { more: false };
      const end = Math.min(original.length, from + pageBytes);
      held = end < original.length ? { handleId, sink, original } : undefined;
      return { data: original.subarray(from, end).toString('base64'), more: end < original.length };
    },
    async restore(found, sink, surrogates) {
      const scope = await scopeOf(await store.get(found.run_id));
      if (scope === undefined) return {};
      const types = typesFor(config.privacy.allow, [sink]);
      const { values, ...counts } = valuesOf(vault, scope, types, surrogates);
      const isAllowed = types.size > 0;
      await vault.audit({
        scope: scope.id,
        run_id: found.run_id,
        handle_id: found.handle.handle_id,
        destination: sink,
        allowed: isAllowed ? 1 : 0,
        restored: JSON.stringify(counts.restored),
        withheld: JSON.stringify(counts.withheld),
        unknown: counts.unknown,
      });
      if (isAllowed) return values;
      throw refused(sink, Object.keys(counts.withheld));
    },
  };
}

interface Asked {
  found: FoundHandle;
  run: RunRecord;
  scope: Scope;
  sink: string;
}

async function exportOriginal(
  { fleet, vault, config }: ExportDeps,
  { found: { handle }, run, scope, sink }: Asked,
): Promise<Buffer | undefined> {
  const replaced = run.attempts.reduce<TypeCounts>(
    (sum, { privacy }) => addCounts(sum, privacy?.replaced ?? {}),
    {},
  );
  const name = originalOf(handle);
  const remoteRunId = run.attempts.find(({ attempt }) => attempt === handle.attempt)?.remote_run_id;
  // Then there is nothing that could have been kept beside the handle.
  if (name === undefined || remoteRunId === undefined || Object.keys(replaced).length === 0) return undefined;
  const types: ReadonlySet<string> = typesFor(config.privacy.allow, [sink]);
  const missing = Object.keys(replaced).filter((type) => type !== 'TEXT' && !types.has(type));
  const isAllowed = missing.length === 0;
  const link = isAllowed ? await fleet.reach(handle.worker_id, reachTimeoutMs) : undefined;
  const fetch = async (from: number): Promise<string> => {
    const asked = { run_id: remoteRunId, name, from };
    return (await link?.request(method, workerRequests[method], asked))?.data ?? '';
  };
  const original = isAllowed ? await openOriginal(fetch, scope, remoteRunId, name) : undefined;
  if (isAllowed && original === undefined) return undefined;
  await vault.audit({
    scope: scope.id,
    run_id: run.run_id,
    handle_id: handle.handle_id,
    destination: sink,
    allowed: isAllowed ? 1 : 0,
    restored: JSON.stringify(isAllowed ? replaced : {}),
    withheld: JSON.stringify(isAllowed ? {} : replaced),
    unknown: 0,
  });
  if (isAllowed) return original;
  throw refused(sink, missing);
}

interface Values {
  /** In base64. */
  values: Record<string, string>;
  restored: TypeCounts;
  withheld: TypeCounts;
  unknown: number;
}

function valuesOf(
  vault: Vault,
  scope: Scope,
  types: ReadonlySet<PrivateType>,
  surrogates: readonly string[],
): Values {
  const found: Values = { values: {}, restored: {}, withheld: {}, unknown: 0 };
  for (const surrogate of surrogates) {
    const [shape] = findSurrogates(surrogate);
    if (shape === undefined || !isGenuine(scope.mac, shape.type, shape.body)) {
      found.unknown += 1;
    } else if (shape.type !== 'TEXT' && !types.has(shape.type)) {
      count(found.withheld, shape.type);
    } else {
      const value = vault.look(scope, surrogate);
      if (value === undefined) found.unknown += 1;
      else {
        count(found.restored, shape.type);
        found.values[surrogate] = value.toString('base64');
      }
    }
  }
  return found;
}

function refused(sink: string, types: readonly string[]): FleetError {
  const what = types.length === 0 ? 'private' : types.join(', ');
  return new FleetError('UNAUTHORIZED', `"${sink}" may not have ${what} values.`, {
    next: `List them for "${sink}" under "privacy.allow" in the configuration.`,
  });
}
