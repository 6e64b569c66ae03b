import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../../core/parse-json.ts';
import { manifest, type Manifest } from '../../schemas/manifest.ts';
import { isTerminal } from '../../schemas/run.ts';
import type { Oracle } from './oracle.ts';
import type { Deaths } from './processes.ts';
import type { Site } from './site.ts';
import type { Asked } from './traffic.ts';

export interface Evidence {
  site: Site;
  oracle: Oracle;
  deaths: Deaths;
  /** Ids of commands that were killed from outside. */
  killed: ReadonlySet<string>;
  /** Whether the disk was full for a while. */
  diskWasFull: boolean;
  /** Whether what workers had written was taken away from them. */
  filesWereCut: boolean;
}

/** What is wrong with a run, in words; nothing where its state is what really happened. */
export function judgeRun(one: Asked, evidence: Evidence): string[] {
  const { snapshot, key } = one;
  if (one.runId === undefined) return [`${key}: never accepted`];
  if (snapshot === undefined || !isTerminal(snapshot.status)) {
    return [`${key}: lost, last seen ${snapshot?.status ?? 'never'}`];
  }
  const written = readManifest(evidence.site, one.runId);
  if (written === undefined) return [`${key}: no manifest of it`];
  const found = [...judgeStarts(one, written, evidence), ...judgeEnd(one, written, evidence)];
  return found.map(
    (what) => `${key} (${one.pipeline}, exit ${String(one.code)}): ${what} — ${briefly(written)}`,
  );
}

export function readManifest({ paths }: Site, runId: string): Manifest | undefined {
  try {
    const text = readFileSync(join(paths.manifestDir, `${runId}.json`), 'utf8');
    return manifest.safeParse(parseJson(text)).data;
  } catch {
    return undefined;
  }
}

/** One execution for each attempt at most, and another attempt only where the one before it was cut off. */
function judgeStarts({ key, pipeline, code }: Asked, { attempts }: Manifest, evidence: Evidence): string[] {
  const { starts } = evidence.oracle.of(key);
  const found: string[] = [];
  // A worker whose record of a run was cut off cannot know it: asked again, it starts it again.
  if (evidence.filesWereCut) return found;
  if (pipeline === 'once' && starts > 1) found.push(`executed ${String(starts)} times`);
  if (starts > attempts.length)
    found.push(`${String(starts)} executions in ${String(attempts.length)} attempts`);
  const survivors = attempts.slice(0, -1).filter((attempt) => {
    const { outcome, placement, claimed_at: from, ended_at: to = Date.now() } = attempt;
    if (outcome?.kind === 'spawn') return false;
    // One that may be repeated is tried again where its process crashed.
    const crashed = code === 137 || evidence.killed.has(key);
    if (pipeline === 'again' && outcome?.kind === 'signal' && crashed) return false;
    return !evidence.deaths.within(placement.worker_id, from, to);
  });
  if (starts > 1 && survivors.length > 0) found.push('executed again although its worker survived');
  return found;
}

/** How the run ended is how its process did, or the honest word for why nobody knows. */
function judgeEnd(one: Asked, { outcome, attempts }: Manifest, evidence: Evidence): string[] {
  const { starts, ends } = evidence.oracle.of(one.key);
  const cameToEnd = ends.includes(String(one.code));
  switch (outcome?.kind) {
    case 'exit':
      if (outcome.code !== one.code || starts === 0 || !cameToEnd)
        return [`it says exit ${String(outcome.code)}`];
      return [];
    case 'signal':
      return (one.code === 137 && cameToEnd) || evidence.killed.has(one.key)
        ? []
        : [`it says ${outcome.signal}`];
    case 'cancelled':
      return one.cancelAsked ? [] : ['nobody cancelled it'];
    case 'lost': {
      const last = attempts.at(-1);
      if (last === undefined) return ['lost without an attempt'];
      const { placement, claimed_at: from, ended_at: to = Date.now() } = last;
      return evidence.deaths.within(placement.worker_id, from, to) ? [] : ['lost although its worker lived'];
    }
    case 'limit':
      return evidence.diskWasFull && outcome.which === 'disk' ? [] : [`limit ${outcome.which}`];
    case 'spawn':
      return evidence.diskWasFull && outcome.errno === 'STORE_UNAVAILABLE' ? [] : [`spawn ${outcome.errno}`];
    case 'engine':
    case 'timeout':
    case undefined:
      return [`it ended by ${JSON.stringify(outcome)}`];
  }
}

function briefly({ attempts }: Manifest): string {
  const tell = ({ placement, outcome }: Manifest['attempts'][number]): string =>
    `${placement.worker_id}: ${JSON.stringify(outcome)}`;
  return `attempts ${attempts.map(tell).join(', ')}`;
}
