import { wrongUsage } from '../command.ts';
import { formatAge, print, printJson, table } from '../output.ts';
import { effectiveConfig, loadConfig } from '../../platform/config.ts';
import { processEnv } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { fleetPaths, makePrivateDir, type FleetPaths } from '../../platform/paths.ts';
import { readEnrolment } from '../../platform/trust/enrolment.ts';
import { plainName } from '../../schemas/ids.ts';
import type { EnrolledWorker } from '../../schemas/descriptor.ts';
import { enrol, revoke, rotateKey } from './enrol.ts';
import { workerKey } from './worker-key.ts';
import { withRemote } from './reach-worker.ts';

/** First words of `codex-fleet trust` that are about workers; anything else names a folder. */
const words = ['list', 'add', 'rotate', 'revoke', 'key'] as const;
export type WorkerWord = (typeof words)[number];

export function workerWord(first: string | undefined): WorkerWord | undefined {
  return words.find((word) => word === first);
}

interface WorkerCall {
  word: WorkerWord;
  rest: readonly string[];
  key: string | undefined;
  finish: boolean;
  json: boolean;
}

/** `codex-fleet trust list | add | rotate | revoke | key`: which workers elsewhere may get runs. */
export async function trustWorkers({ word, rest, key, finish, json }: WorkerCall): Promise<number> {
  const paths = fleetPaths(processEnv);
  makePrivateDir(paths.stateDir);
  const file = paths.enrolmentFile;
  const [name, ...more] = rest;
  if (word === 'list') {
    if (name !== undefined) throw wrongUsage('trust', 'list takes no name');
    return list(readEnrolment(file)?.workers ?? {}, json);
  }
  if (name === undefined || more.length > 0 || !plainName.safeParse(name).success) {
    throw wrongUsage('trust', `Name one worker to ${word}`);
  }
  if (word === 'key') return ownKey(paths, name, json);
  const config = effectiveConfig(loadConfig(paths.configFile), findInstall());
  switch (word) {
    case 'add': {
      const worker = await withRemote(name, config, processEnv, (peer, url) =>
        enrol(file, name, peer, url, key),
      );
      return show(name, worker, key === undefined ? compareKeys : 'Enrolled.', json);
    }
    case 'rotate': {
      const worker = await withRemote(name, config, processEnv, (peer) => rotateKey(file, name, peer));
      return show(name, worker, 'The key before it counts for another 24 h.', json);
    }
    case 'revoke': {
      const worker = await revoke(file, name, finish ? 'finish' : 'cancel');
      const runs = finish ? 'It may finish what it has.' : 'What it has is cancelled.';
      return show(name, worker, `Revoked: no more runs for it. ${runs}`, json);
    }
  }
}

const compareKeys =
  "Enrolled as it answered. Compare this key with what `codex-fleet trust key` says on the worker's own host: is\n" +
  'it another, somebody stands between you: `codex-fleet trust revoke` it.';

/** Of a worker of this host. */
function ownKey(paths: FleetPaths, name: string, json: boolean): number {
  makePrivateDir(paths.workerDir(name));
  const key = workerKey(paths.workerDir(name));
  if (json) printJson({ name, key });
  else print(key);
  return 0;
}

function show(name: string, worker: EnrolledWorker, words: string, json: boolean): number {
  if (json) printJson({ name, ...worker });
  else {
    print(`${name}: ${worker.keys.at(-1)?.kid ?? ''}`);
    print(words);
  }
  return 0;
}

function list(workers: Readonly<Record<string, EnrolledWorker>>, json: boolean): number {
  if (json) printJson(workers);
  else print(table(['WORKER', 'KEY', 'AGE', 'STANDING'], Object.entries(workers).flatMap(rowsOf)));
  return 0;
}

function rowsOf([name, { keys, revoked }]: [string, EnrolledWorker]): string[][] {
  const now = Date.now();
  return keys.map(({ kid, added_at: added, until }) => [
    name,
    kid,
    formatAge(now - added),
    standingOf(revoked, until, now),
  ]);
}

function standingOf(revoked: EnrolledWorker['revoked'], until: number | undefined, now: number): string {
  if (revoked !== undefined) return 'revoked';
  if (until === undefined) return 'enrolled';
  return until > now ? `for ${formatAge(until - now)} more` : 'rotated out';
}
