import { setTimeout as delay } from 'node:timers/promises';
import type { ReapingLayer } from './layer.ts';
import type { ProcessSpec } from './process.ts';
import { errnoOf } from './spawn-child.ts';

const limitMs = 10_000;

/** Leaves a child behind, in a session of its own where setsid is there. Fixed text; `$@` is the child. */
const orphanScript = '"$@" & echo up';
const orphan = ['/bin/sleep', '60'];

/**
 * Really runs a process that ends and leaves a child holding its output, has the layer kill the tree,
 * and sees the child dead by the end of that output. undefined where the layer works, else why not.
 */
export async function tryLayer(layer: ReapingLayer, setsid: string | undefined): Promise<string | undefined> {
  // A process group does not reach other sessions, and does not promise to.
  const prefix = setsid === undefined || layer.reaping === 'best_effort' ? [] : [setsid];
  const spec: ProcessSpec = {
    argv: ['/bin/sh', '-c', orphanScript, 'sh', ...prefix, ...orphan],
    cwd: '/',
    env: {},
    stdin: 'ignore',
    tmpDir: '/',
  };
  const timer = new AbortController();
  const late = delay(limitMs, `nothing came of it within ${String(limitMs)} ms`, { signal: timer.signal });
  try {
    return await Promise.race([leaveAndKill(layer, spec), late.catch(() => undefined)]);
  } catch (error) {
    return error instanceof Error ? error.message : errnoOf(error);
  } finally {
    timer.abort();
  }
}

async function leaveAndKill(layer: ReapingLayer, spec: ProcessSpec): Promise<string | undefined> {
  const { child, tree } = await layer.launch(spec);
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(0, 500)));
  const up = new Promise<'up'>((resolve) => {
    child.stdout?.once('data', () => {
      resolve('up');
    });
  });
  const closed = new Promise<'closed'>((resolve) => {
    child.once('close', () => {
      resolve('closed');
    });
  });
  const exited = new Promise<Error | undefined>((resolve) => {
    child.once('error', resolve);
    child.once('exit', () => {
      resolve(undefined);
    });
  });
  const error = await exited;
  const said = error === undefined ? await Promise.race([up, closed]) : 'closed';
  await tree.kill();
  if (error !== undefined) return error.message;
  if (said === 'closed')
    return complaint.trim() === '' ? 'a process in it could not start another' : complaint.trim();
  await closed;
  return undefined;
}
