import { connect, type Peer, type Target } from '../../mcp/client.ts';
import { maxWaitMs, workerContracts, type WorkerContracts } from '../../schemas/tools.ts';
import type { DescriptorClaims } from '../../schemas/descriptor.ts';
import type { RunDetail, WorkerDescriptor } from '../../schemas/worker.ts';

/** A connection to one boot of a worker. */
export interface WorkerLink {
  readonly descriptor: WorkerDescriptor;
  /** What it has signed, where it had to. */
  readonly signed?: Pick<DescriptorClaims, 'scope' | 'sandbox' | 'limits'>;
  readonly call: Peer<WorkerContracts>['call'];
  readonly notify: Peer<WorkerContracts>['notify'];
  readonly request: Peer<WorkerContracts>['request'];
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** A worker that has just begun tries its engines first. */
const describeTimeoutMs = 8_000;

/** Beginning of what a boot of a worker has to tell. */
export const firstCursor = '0';

/** Connects and asks who is there, after `prove` has settled. WORKER_UNAVAILABLE where nobody answers. */
export async function openWorkerLink(
  target: Target,
  signal: AbortSignal,
  prove: (peer: Pick<Peer<WorkerContracts>, 'request'>) => Promise<void> = () => Promise.resolve(),
): Promise<WorkerLink> {
  const peer = await connect(workerContracts, target, { signal, clientName: 'codex-fleet-coordinator' });
  try {
    await prove(peer);
    const descriptor = await peer.call('describe_worker', {}, { signal, timeoutMs: describeTimeoutMs });
    const { call, notify, request, closed, close } = peer;
    return { descriptor, call, notify, request, closed, close };
  } catch (error) {
    await peer.close();
    throw error;
  }
}

export interface News {
  details: RunDetail[];
  cursor: string;
  more: boolean;
}

/** What became of runs after `cursor`, at once where there is something, else after a wait. */
export async function readNews(
  link: WorkerLink,
  cursor: string,
  wait: boolean,
  signal: AbortSignal,
): Promise<News> {
  const input = { detail: true, cursor, wait_ms: wait ? maxWaitMs : 0, until: 'change' as const };
  const reply = await link.call('poll_run', input, { signal });
  return { details: reply.details ?? [], cursor: reply.cursor, more: reply.more };
}
