import { join } from 'node:path';
import { connect, type Peer } from '../../mcp/client.ts';
import { ownEnvironment, type Environment } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { launchPiped } from '../../platform/launch.ts';
import { readerContracts, type ReaderContracts } from '../../schemas/tools.ts';
import type { Page, ReadInput } from '../reading/remote-bytes.ts';

/** Reads copies by a process of their own, which is there while it is used. */
export interface CopyReader {
  read(input: ReadInput, signal: AbortSignal): Promise<Page>;
  close(): Promise<void>;
}

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
  return {
    async read(input, signal) {
      clearTimeout(idle);
      calls += 1;
      try {
        return await (await open()).call('read_handle', input, { signal });
      } finally {
        calls -= 1;
        if (calls === 0) idle = setTimeout(() => void close(), idleMs).unref();
      }
    },
    close,
  };
}
