import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failpointsVariable, processEnv } from './environment.ts';

/**
 * Places where the fault tests end a process: before and after each durable write, and (`torn`) in the
 * middle of one. Another durable write gets its names here, and a test fails until something reaches them.
 */
export const failpointNames = [
  ...around('store.submit'),
  ...around('store.claim'),
  ...around('store.progress'),
  ...around('store.finish'),
  ...around('store.requeue'),
  ...around('store.cancel'),
  ...around('store.end'),
  ...around('store.hold'),
  ...around('store.heartbeat'),
  ...around('store.drain'),
  ...around('store.forget'),
  ...around('store.settle'),
  ...around('store.tell'),
  ...around('store.vault'),
  ...around('manifest.run'),
  ...around('manifest.index'),
  ...around('manifest.mark'),
  ...within('record.open'),
  ...within('record.sealed'),
  ...within('record.deleted'),
  ...around('record.compact'),
  ...within('handle.open'),
  ...within('handle.sealed'),
  ...within('handle.deleted'),
  ...around('handle.compact'),
  ...within('handle.bytes'),
  ...around('blob.link'),
  ...within('blob.swap'),
  ...within('blob.frames'),
  'blob.free.torn',
  ...around('replica.bytes'),
  ...around('replica.adopt'),
  ...around('ledger.started'),
  ...around('ledger.ended'),
  ...within('sealed.value'),
  ...within('sealed.frame'),
  ...around('master_key'),
] as const;
export type FailpointName = (typeof failpointNames)[number];

function around<Write extends string>(write: Write) {
  const names: [`${Write}.before`, `${Write}.after`] = [`${write}.before`, `${write}.after`];
  return names;
}

function within<Write extends string>(write: Write) {
  const names: [`${Write}.before`, `${Write}.torn`, `${Write}.after`] = [
    `${write}.before`,
    `${write}.torn`,
    `${write}.after`,
  ];
  return names;
}

const folder = processEnv[failpointsVariable];

/**
 * Does nothing, unless this process was started with a folder of failpoints in its environment. There
 * a file of this name holds a number: the process that is here for the so-manieth time does `lastAct`
 * and dies as by `kill -9`; the file is then called `<name>.fired`.
 */
export const failpoint: (name: FailpointName, lastAct?: () => void) => void =
  folder === undefined ? () => undefined : (name, lastAct) => reach(join(folder, name), lastAct);

function reach(file: string, lastAct: (() => void) | undefined): void {
  try {
    const left = Number(readFileSync(file, 'utf8'));
    if (left > 1) {
      writeFileSync(file, String(left - 1));
      return;
    }
    // Whoever renames it is the one that dies.
    renameSync(file, `${file}.fired`);
  } catch {
    return;
  }
  lastAct?.();
  process.kill(process.pid, 'SIGKILL');
}
