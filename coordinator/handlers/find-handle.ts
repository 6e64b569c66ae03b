import { covers } from '../../core/owners.ts';
import { FleetError } from '../../core/errors.ts';
import { expiryOf } from '../../core/expiry.ts';
import type { FoundHandle } from '../store/run-store.ts';
import type { HandlerDeps } from './deps.ts';

type Deps = Pick<HandlerDeps, 'store' | 'config' | 'clock'>;

/** A handle of the caller that is still kept. NOT_FOUND for any other, whatever it is. */
export async function findHandle(deps: Deps, id: string, owner: string): Promise<FoundHandle> {
  const found = await lookUpHandle(deps, id, owner);
  if (found !== undefined) return found;
  throw new FleetError('NOT_FOUND', `There is no handle ${id}.`, {
    next: 'poll_run lists the handles of a run.',
  });
}

export async function lookUpHandle(
  { store, config, clock }: Deps,
  id: string,
  owner: string,
): Promise<FoundHandle | undefined> {
  const found = await store.findHandle(id);
  if (found === undefined || !covers(owner, found.owner)) return undefined;
  const expiresAt = expiryOf(found.ended_at, config.output.keep_ms);
  return expiresAt !== undefined && clock.now() >= expiresAt ? undefined : found;
}
