import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { FleetError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import { identify, stillRuns } from './process-identity.ts';

const holder = z.object({ pid: z.int(), start: z.string() });
const retryMs = 20;

/**
 * Runs `work` while no other process of this host holds `file`. A holder that died is replaced: the
 * file names its process by pid and start time. WORKER_UNAVAILABLE after `timeoutMs` of waiting.
 */
export async function withFileLock<T>(file: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const own = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(own, JSON.stringify(identify(process.pid)), { mode: 0o600, flag: 'wx' });
  try {
    await take(file, own, Date.now() + timeoutMs);
    try {
      return await work();
    } finally {
      await rm(file, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
}

/** link(2) is atomic and fails where the name exists: the file is never seen without its content. */
async function take(file: string, own: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      await link(own, file);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    await removeIfAbandoned(file, `${own}.old`);
    if (Date.now() > deadline) {
      throw new FleetError('WORKER_UNAVAILABLE', `Another process holds ${file}.`, {
        next: 'Call again later.',
      });
    }
    await delay(retryMs);
  }
}

/** Moves the dead holder's file away and looks again, so that a new holder's file is never removed. */
async function removeIfAbandoned(file: string, aside: string): Promise<void> {
  if (!(await isAbandoned(file))) return;
  await rename(file, aside).catch(() => undefined);
  if (await isAbandoned(aside)) await rm(aside, { force: true });
  else await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

async function isAbandoned(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const parsed = holder.safeParse(parseJson(text));
  return !parsed.success || !stillRuns(parsed.data);
}
