import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { programFile, type TestFleet } from './fleet.ts';

/** A worker as on another host: a state folder of its own, reached over HTTP only. */
export interface RemoteWorker {
  stateDir: string;
  start(env?: Record<string, string>): Promise<void>;
  /** kill -9, and until it is gone. */
  kill(): Promise<void>;
}

const secret = 'a secret of a worker elsewhere';

/** Its entry in `remote_workers`, and what starts and enrols it once the fleet's folders are there. */
export async function remoteWorker(id: string): Promise<{
  entry: { url: string; secret: { command: string[] } };
  /** `args`: more of its command line. */
  on(fleet: TestFleet, args?: string[]): RemoteWorker;
}> {
  const port = await freePort();
  return {
    entry: {
      url: `http://127.0.0.1:${String(port)}/mcp`,
      secret: { command: ['/bin/echo', secret] },
    },
    on(fleet, args = []) {
      const stateDir = join(fleet.stateDir, '..', `far-${id}`);
      let child: ChildProcess | undefined;
      return {
        stateDir,
        async start(env = {}) {
          mkdirSync(stateDir, { recursive: true, mode: 0o700 });
          const begun = spawn(
            process.execPath,
            [programFile, 'worker', '--id', id, '--slots', '2', '--http', String(port), ...args],
            {
              env: { ...fleet.env, CODEX_FLEET_STATE_DIR: stateDir, CODEX_FLEET_SECRET: secret, ...env },
              stdio: ['ignore', 'ignore', 'pipe'],
            },
          );
          child = begun;
          let said = '';
          for await (const line of createInterface({ input: begun.stderr })) {
            said += `${line}\n`;
            if (line.includes('"listening"')) break;
          }
          begun.stderr.resume();
          writeFileSync(join(stateDir, 'said'), said);
          if (begun.exitCode !== null) throw new Error(said);
          if (existsSync(join(fleet.stateDir, 'enrolled.json'))) return;
          const { code, stderr } = await fleet.cli('trust', 'add', id);
          if (code !== 0) throw new Error(stderr);
        },
        async kill() {
          if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        },
      };
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
