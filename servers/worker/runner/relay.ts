import { spawn, type ChildProcess } from 'node:child_process';
import type { Namespace } from './namespace.ts';
import type { Relay } from './process.ts';

/** Only a machine in deep trouble needs longer to start one. */
const startMs = 10_000;

/**
 * Starts a relay in the network of a namespace and nowhere else: it sees the files of the machine, and no
 * process of the namespace sees it. Answers the namespace, with which the relay ends. `enter` are the words
 * that start a program there. Rejects with the relay's own words.
 */
export async function withRelay(
  enter: readonly [string, ...string[]],
  relay: Relay,
  namespace: Namespace,
): Promise<Namespace> {
  const [program, ...words] = enter;
  const child = spawn(program, [...words, ...relay.argv], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${relay.socket}\n`);
  const gone = new Promise<void>((resolve) => {
    child.once('close', resolve);
  });
  try {
    await ready(child);
  } catch (error) {
    child.kill('SIGKILL');
    void namespace.kill();
    throw error;
  }
  return {
    ...namespace,
    async kill() {
      child.kill('SIGKILL');
      await Promise.all([gone, namespace.kill()]);
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  let complaint = '';
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      clearTimeout(timer);
      const why = complaint.trim() || 'the relay ended before it listened';
      reject(Object.assign(new Error(why), { code: 'RELAY' }));
    };
    const timer = setTimeout(() => {
      complaint = `the relay did not listen in ${String(startMs)} ms`;
      fail();
    }, startMs);
    child.stdout?.once('data', () => {
      clearTimeout(timer);
      resolve();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(0, 500);
    });
    child.once('error', (error) => {
      complaint = error.message;
      fail();
    });
    child.once('close', fail);
  });
}
