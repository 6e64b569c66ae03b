import { join } from 'node:path';
import { FleetError } from '../../core/errors.ts';
import { connect, type Peer, type UrlTarget } from '../../mcp/client.ts';
import { ownEnvironment, type Environment } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { launchPiped } from '../../platform/launch.ts';
import { readerRequests } from '../../schemas/operator.ts';
import type { TokenCount } from '../../schemas/manifest.ts';
import type { ReplicaNote } from '../../schemas/replica.ts';
import { readerContracts, type ReaderContracts } from '../../schemas/tools.ts';
import type { Page, ReadInput } from '../../core/remote-bytes.ts';

/** Where a worker elsewhere is reached. The secret goes from memory to memory. */
export type FarWorker = UrlTarget;

/** Reads and makes copies by a process of their own, which is there while it is used. */
export interface CopyReader {
  read(input: ReadInput, signal: AbortSignal): Promise<Page>;
  /**
   * Copies a handle, from where an earlier try stopped; false where what came has another hash, and was
   * thrown away. NOT_FOUND where the worker has it no more. `onMoved` is told of bytes fetched.
   */
  copy(note: ReplicaNote, from: FarWorker, options: CopyOptions): Promise<boolean>;
  /** Tokens of each text. */
  countTokens(texts: readonly string[]): Promise<number[]>;
  /** Tokens of a stored output by its hash; undefined where it is not stored on this machine. */
  countContent(sha256: string, bytes: number): Promise<TokenCount | undefined>;
  close(): Promise<void>;
}

export interface CopyOptions {
  signal: AbortSignal;
  onMoved: (bytes: number) => void;
}

const method = 'codex-fleet/copy';
const countTokens = 'codex-fleet/count_tokens';
const countContent = 'codex-fleet/count_content';
/** Starting it costs a quarter of a second, keeping it some 60 MB. */
const idleMs = 30_000;

export function createCopyReader(options: { stateDir: string; env: Environment }): CopyReader {
  let peer: Promise<Peer<ReaderContracts>> | undefined;
  let calls = 0;
  let idle: NodeJS.Timeout | undefined;

  async function start(): Promise<Peer<ReaderContracts>> {
    const pair = await launchPiped({
      install: findInstall(),
      args: ['reader'],
      env: { ...ownEnvironment(options.env, []), CODEX_FLEET_STATE_DIR: options.stateDir },
      logFile: join(options.stateDir, 'log', 'reader.log'),
    });
    return connect(readerContracts, { pair }, { clientName: 'codex-fleet-coordinator' });
  }
  function open(): Promise<Peer<ReaderContracts>> {
    if (peer !== undefined) return peer;
    const begun = start();
    peer = begun;
    const gone = (): void => {
      if (peer === begun) peer = undefined;
    };
    begun.then(({ closed }) => closed).then(gone, gone);
    return begun;
  }
  async function close(): Promise<void> {
    clearTimeout(idle);
    const left = peer;
    peer = undefined;
    await (await left?.catch(() => undefined))?.close();
  }
  async function use<T>(work: (reader: Peer<ReaderContracts>) => Promise<T>): Promise<T> {
    clearTimeout(idle);
    calls += 1;
    try {
      return await work(await open());
    } finally {
      calls -= 1;
      if (calls === 0) idle = setTimeout(() => void close(), idleMs).unref();
    }
  }
  return {
    read: (input, signal) => use((reader) => reader.call('read_handle', input, { signal })),
    copy: (note, from, { signal, onMoved }) =>
      use(async (reader) => {
        for (;;) {
          signal.throwIfAborted();
          const { state, moved } = await reader.request(method, readerRequests[method], { note, ...from });
          onMoved(moved);
          if (state === 'gone') throw new FleetError('NOT_FOUND', 'Its worker has this handle no more.');
          if (state !== 'running') return state === 'whole';
        }
      }),
    countTokens: (texts) =>
      use(async (reader) => {
        const input = { texts: [...texts] };
        return (await reader.request(countTokens, readerRequests[countTokens], input)).tokens;
      }),
    countContent: (sha256, bytes) =>
      use(async (reader) => {
        const input = { sha256, bytes };
        return (await reader.request(countContent, readerRequests[countContent], input)).count;
      }),
    close,
  };
}
