import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import type { Read } from '../../core/remote-bytes.ts';
import { connect, type Peer, type UrlTarget } from '../../mcp/client.ts';
import type { RequestHandlers } from '../../mcp/own-requests.ts';
import { transfer, type ReplicaPlace } from '../../platform/replica-transfer.ts';
import type { ReaderRequests } from '../../schemas/operator.ts';
import type { ReplicaNote } from '../../schemas/replica.ts';
import { workerContracts, type WorkerContracts } from '../../schemas/tools.ts';

type Copy = RequestHandlers<ReaderRequests>['codex-fleet/copy'];
type State = Awaited<ReturnType<Copy>>['state'];

interface Copying {
  ended: Promise<State>;
  /** Bytes nobody was told of yet. */
  moved: number;
  stop: AbortController;
  abandoned: NodeJS.Timeout | undefined;
}

/** Well below what a request may take. */
const answerWithinMs = 15_000;
/** A coordinator that is there asks again at once. */
const abandonedAfterMs = 10_000;

/** Copies handles from workers elsewhere: bytes go from there to the disk here, and through no coordinator. */
export function createCopying(place: ReplicaPlace): Copy {
  const copies = new Map<string, Copying>();
  const peers = new Map<string, Promise<Peer<WorkerContracts>>>();

  function reach(target: UrlTarget): Promise<Peer<WorkerContracts>> {
    const key = JSON.stringify(target);
    const known = peers.get(key);
    if (known !== undefined) return known;
    const begun = connect(workerContracts, target, { clientName: 'codex-fleet-reader' });
    peers.set(key, begun);
    const gone = (): void => {
      if (peers.get(key) === begun) peers.delete(key);
    };
    begun.then(({ closed }) => closed).then(gone, gone);
    return begun;
  }
  function begin(note: ReplicaNote, target: UrlTarget): Copying {
    const { handle_id: handleId } = note.handle;
    const stop = new AbortController();
    const read: Read = async (input, signal) => {
      const page = await (await reach(target)).call('read_handle', input, { signal });
      copying.moved += page.to_byte - page.from_byte;
      return page;
    };
    const ended = transfer({ read, handleId, signal: stop.signal }, note, place).then(
      (isWhole): State => (isWhole ? 'whole' : 'refused'),
      (error: unknown): State => {
        if (error instanceof FleetError && error.code === 'NOT_FOUND') return 'gone';
        throw error;
      },
    );
    const copying: Copying = { ended, moved: 0, stop, abandoned: undefined };
    copies.set(handleId, copying);
    const over = (): void => {
      clearTimeout(copying.abandoned);
      copies.delete(handleId);
    };
    ended.then(over, over);
    return copying;
  }
  return async ({ note, ...target }) => {
    const copying = copies.get(note.handle.handle_id) ?? begin(note, target);
    clearTimeout(copying.abandoned);
    const answered = new AbortController();
    const late = delay<State>(answerWithinMs, 'running', { signal: answered.signal });
    const state = await Promise.race([copying.ended, late.catch((): State => 'running')]).finally(() => {
      answered.abort();
    });
    if (state === 'running') copying.abandoned = setTimeout(() => copying.stop.abort(), abandonedAfterMs);
    const { moved } = copying;
    copying.moved = 0;
    return { state, moved };
  };
}
