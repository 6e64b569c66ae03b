import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { programFile, type TestFleet } from '../../test/helpers/fleet.ts';

export interface FarWorker {
  port: number;
  secret: string;
  hasEnded(): boolean;
  close(): Promise<void>;
}

/** A worker with a state folder of its own, reached by a URL. */
export async function onHost(fleet: TestFleet): Promise<FarWorker> {
  const secret = 'the secret of a worker that is sent nonsense';
  const env = {
    ...fleet.env,
    CODEX_FLEET_STATE_DIR: join(fleet.home, 'far'),
    CODEX_FLEET_SECRET: secret,
  };
  const child = spawn(process.execPath, [programFile, 'worker', '--id', 'far', '--http', '0'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const gone = once(child, 'exit');
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const [, said] = /"port":(\d+)/.exec(line) ?? [];
      if (said !== undefined) resolve(Number(said));
    });
    gone.then(() => reject(new Error('The worker ended.')), reject);
  });
  return {
    port,
    secret,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async close() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}
