import { FleetError } from '../../core/errors.ts';
import { isPageMode, readMode } from '../../core/read-fields.ts';
import { sanitize } from '../../core/sanitize.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import type { Config, Replicate } from '../../schemas/config.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { WorkerLink } from '../fleet/worker-link.ts';
import { reachTimeoutMs } from '../handlers/find-run.ts';
import { replicateOf } from '../replicas/policy.ts';
import type { CopyReader } from '../replicas/reader.ts';
import type { Replicas } from '../replicas/replicas.ts';
import type { StoredHandle } from '../store/run-store.ts';
import type { Read, ReadInput } from '../../core/remote-bytes.ts';

/** Nobody starts a worker elsewhere: what was tried in vain just now is not waited for as long. */
const awayTimeoutMs = 1_000;

/** Who answers for a handle: two handles of one name can be compared there. */
export interface Holder {
  name: string;
  read: Read;
}

interface Deps {
  fleet: Pick<Fleet, 'get' | 'reach'>;
  replicas: Pick<Replicas, 'has'>;
  copies: Pick<CopyReader, 'read'>;
  config: Config;
  telemetry: Telemetry;
}

/**
 * The worker that made a handle while it can be reached, else the reader of its copy. WORKER_UNAVAILABLE
 * where there is neither.
 */
export async function holderOf(
  { fleet, replicas, copies, config, telemetry }: Deps,
  { handle }: { handle: StoredHandle },
): Promise<Holder> {
  const { worker_id: workerId, handle_id: id } = handle;
  const copy: Holder = { name: 'copies', read: copies.read };
  const worker = fleet.get(workerId);
  if (worker?.link === undefined && replicas.has(id)) return copy;
  const isAway = worker?.origin === 'remote' && worker.failedTries > 0;
  const link = await fleet.reach(workerId, isAway ? awayTimeoutMs : reachTimeoutMs).catch(() => undefined);
  if (link === undefined) {
    if (replicas.has(id)) return copy;
    throw noCopy(handle, replicateOf(config, workerId));
  }
  const read = readWorker(link, workerId, telemetry);
  return {
    name: workerId,
    async read(input, signal) {
      try {
        return await read(input, signal);
      } catch (error) {
        if (isGone(error) && allCopied(input)) return copies.read(input, signal);
        const isLost = isGone(error) && error.code === 'WORKER_UNAVAILABLE' && worker?.origin === 'remote';
        throw isLost ? noCopy(handle, replicateOf(config, workerId)) : error;
      }
    },
  };

  function allCopied({ handle_id: first, other = first }: ReadInput): boolean {
    return replicas.has(first) && replicas.has(other);
  }
}

/** Reads from a worker; what comes is counted. */
export function readWorker({ call }: Pick<WorkerLink, 'call'>, workerId: string, telemetry: Telemetry): Read {
  return async (input, signal) => {
    const page = await call('read_handle', input, { signal });
    const moved = isPageMode(readMode(input)) ? page.to_byte - page.from_byte : Buffer.byteLength(page.text);
    telemetry.record('codex.bytes_transferred', moved, { worker_id: workerId });
    // Its own words are visible text already, unless the worker is not of this version, or not honest.
    const text = page.encoding === 'utf8' ? sanitize(page.text) : page.text;
    return { ...page, text, next: sanitize(page.next) };
  };
}

/** The worker died within the call, or came back without what it had. */
function isGone(error: unknown): error is FleetError {
  return error instanceof FleetError && (error.code === 'WORKER_UNAVAILABLE' || error.code === 'NOT_FOUND');
}

function noCopy({ worker_id: id, state, bytes, lines }: StoredHandle, replicate: Replicate): FleetError {
  const why =
    state === 'open'
      ? `was still being written (${String(bytes)} bytes in ${String(lines)} lines when it was last heard of), so there is no copy of it`
      : replicate === 'never'
        ? 'is not copied ("replicate": "never")'
        : replicate === 'lazy'
          ? 'was not read, and so not copied, before ("replicate": "lazy")'
          : 'is not copied yet';
  const isLocal = /^local-\d+$/.test(id);
  return new FleetError(
    'WORKER_UNAVAILABLE',
    `Worker ${id} cannot be reached${isLocal ? '' : `, and this output ${why}`}.`,
    {
      next: isLocal
        ? 'Call again in some seconds: it is being started; its log says why where it does not start.'
        : state === 'open'
          ? `Start worker ${id} again, with its state folder: it keeps what was written. poll_run shows what was sampled of it.`
          : `Start worker ${id} again, with its state folder; "replicate": "on_finish" keeps the outputs of later runs.`,
    },
  );
}
