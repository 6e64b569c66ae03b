import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { isNewer } from '../../core/versions.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { identify, stillRuns } from '../../platform/process-identity.ts';
import { version } from '../../platform/version.ts';
import { handOverMethod } from '../../schemas/hand-over.ts';
import { connectWhereUp } from './connect.ts';
import { isMarkedDown } from './down-mark.ts';
import { readLiving, readStanding, standingOfThis, type Standing } from './standing.ts';

/** An older coordinator lets go within a second; one that hangs keeps the fleet. */
const patienceMs = 30_000;
const lookEveryMs = 20;
const maxTries = 3;

/**
 * Starts the coordinator of this version where it is its turn: an older one is asked to hand over
 * first, and waited for. CONFLICT where one as new runs, or a newer one is about to. While this
 * process waits, no older coordinator starts in between: the claim it leaves says whose turn it is.
 */
export async function startInTurn<T>(paths: FleetPaths, start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const rival = readLiving(claimFile(paths));
    if (rival !== undefined && rival.pid !== process.pid && !isNewer(version, rival.version))
      throw new FleetError('CONFLICT', `codex-fleet ${rival.version} is taking the fleet over.`);
    const old = readStanding(paths);
    if (old === undefined || !isNewer(version, old.version)) return start();
    const release = claim(paths);
    try {
      await awaitHandOver(paths, old);
      return await start();
    } catch (error) {
      const wasBeaten = error instanceof FleetError && error.code === 'CONFLICT';
      if (!wasBeaten || tries === maxTries) throw error;
    } finally {
      release();
    }
  }
}

async function awaitHandOver(paths: FleetPaths, old: Standing): Promise<void> {
  const fleet = await connectWhereUp(paths);
  await fleet?.notify(handOverMethod, { version });
  const deadline = performance.now() + patienceMs;
  while (stillRuns(old)) {
    if (performance.now() > deadline || readLiving(claimFile(paths))?.pid !== process.pid) {
      await fleet?.close();
      throw new FleetError('CONFLICT', `codex-fleet ${old.version} did not hand over to ${version}.`);
    }
    await delay(lookEveryMs);
  }
  await fleet?.close();
  if (isMarkedDown(paths)) throw new FleetError('SHUTTING_DOWN', 'The fleet was taken down meanwhile.');
}

function claimFile(paths: FleetPaths): string {
  return join(paths.stateDir, 'taking-over');
}

function claim(paths: FleetPaths): () => void {
  const file = claimFile(paths);
  writeFileSync(file, JSON.stringify({ ...identify(process.pid), ...standingOfThis }), { mode: 0o600 });
  return () => {
    if (readLiving(file)?.pid === process.pid) rmSync(file, { force: true });
  };
}
