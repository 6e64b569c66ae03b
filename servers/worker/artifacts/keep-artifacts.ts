import { parseArtifactPattern } from '../../../core/artifact-pattern.ts';
import { mediaTypeOf } from '../../../core/media-type.ts';
import type { LiveRecord } from '../runs/live-record.ts';
import { takeDown } from '../runs/run-facts.ts';
import { createStageRecorder, type OutputBudget } from '../runs/stage-recorder.ts';
import type { RunDeps } from '../runs/stage-session.ts';
import { findFiles, type FoundFile, type LeftOut } from './find-files.ts';

export interface ArtifactsToKeep {
  /** The folder the run worked in. */
  cwd: string;
  /** Under which they are listed. */
  stage: string;
  /** Bytes they may take. */
  budget: OutputBudget;
}

/** Artifacts of one run. */
export const maxArtifacts = 32;
const chunkBytes = 1 << 20;
/** A disk too slow for this has the rest left out. */
const maxMs = 60_000;

/**
 * Stores the files a run declares behind handles of their own, as they are at its end. What is left out
 * is said in a note. Never rejects.
 */
export async function keepArtifacts(deps: RunDeps, known: LiveRecord, what: ArtifactsToKeep): Promise<void> {
  const note = await tryToKeep(deps, known, what).catch((error: unknown) => {
    deps.log.error({ run_id: known.run_id, err: error }, 'artifacts could not be kept');
    return 'Not all artifacts could be kept.';
  });
  if (note !== undefined) takeDown(known.facts, { kind: 'note', text: note }, deps.now());
}

async function tryToKeep(
  deps: RunDeps,
  known: LiveRecord,
  what: ArtifactsToKeep,
): Promise<string | undefined> {
  const { handles } = deps;
  // Of a process that died half-way.
  for (const { handle_id: id, stream } of handles.ofRun(known.run_id))
    if (stream === 'artifact') await handles.delete(id);
  const patterns = (known.spec.artifacts ?? []).flatMap((text) => {
    const parsed = parseArtifactPattern(text);
    return parsed.ok ? [parsed.value] : [];
  });
  const leftOut: LeftOut = { special: 0, isCut: false };
  const until = performance.now() + maxMs;
  let kept = 0;
  let why: string | undefined;
  for await (const found of findFiles(what.cwd, patterns, leftOut)) {
    // Nothing can be behind a handle without a byte.
    if (found.bytes === 0) {
      await found.file.close();
      continue;
    }
    if (kept === maxArtifacts) why = `more than ${String(maxArtifacts)} files`;
    else if (performance.now() > until) why = 'no more time';
    else if (what.budget.left <= 0) why = 'no more room';
    if (why !== undefined) {
      await found.file.close();
      break;
    }
    kept += 1;
    if (!(await keep(found, deps, known, what))) why = 'no more room';
    if (why !== undefined) break;
  }
  return noteOf(kept, leftOut, why);
}

/** False where it is not whole. */
async function keep(
  { name, file, bytes }: FoundFile,
  { handles, now }: RunDeps,
  known: LiveRecord,
  { stage, budget }: ArtifactsToKeep,
): Promise<boolean> {
  let isCut = false;
  const recorder = createStageRecorder({
    handles,
    run_id: known.run_id,
    stage,
    artifact: { name, media_type: mediaTypeOf(name) },
    budget,
    now,
    guard: known.privacy.stream,
    onOutput: () => undefined,
    onLimit: () => {
      isCut = true;
    },
  });
  try {
    for (let at = 0; !isCut;) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(bytes - at, 1)));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      recorder.write('artifact', chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
  } catch {
    isCut = true;
    recorder.truncated('artifact');
  } finally {
    await file.close();
    await recorder.seal();
  }
  return !isCut;
}

function noteOf(kept: number, { special, isCut }: LeftOut, why: string | undefined): string | undefined {
  const out = [
    ...(why === undefined ? [] : [why]),
    ...(isCut ? ['the tree is too large to be searched to its end'] : []),
    ...(special > 0 ? [`${String(special)} links, pipes or names that cannot be shown`] : []),
  ];
  if (out.length === 0) return kept === 0 ? 'No file is there that "artifacts" names.' : undefined;
  return `Artifacts: ${String(kept)} kept; left out: ${out.join('; ')}.`;
}
