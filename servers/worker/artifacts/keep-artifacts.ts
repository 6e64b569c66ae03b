import { parseArtifactPattern } from '../../../core/artifact-pattern.ts';
import { mediaTypeOf } from '../../../core/media-type.ts';
import type { LiveRecord } from '../runs/live-record.ts';
import { replacedBy } from '../runs/replaced.ts';
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
  const { left } = what.budget;
  const attempt = (): Promise<Kept> =>
    tryToKeep(deps, known, what).catch((error: unknown) => {
      deps.log.error({ run_id: known.run_id, err: error }, 'artifacts could not be kept');
      return { note: 'Not all artifacts could be kept.', unsealed: 0 };
    });
  let kept = await attempt();
  if (kept.unsealed > 0) {
    await known.privacy.keysGiven();
    what.budget.left = left;
    kept = await attempt();
  }
  if (kept.note !== undefined) takeDown(known.facts, { kind: 'note', text: kept.note }, deps.now());
}

interface Kept {
  note: string | undefined;
  /** Files that could be kept without their private values only. */
  unsealed: number;
}

async function tryToKeep(deps: RunDeps, known: LiveRecord, what: ArtifactsToKeep): Promise<Kept> {
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
  let unsealed = 0;
  let spoilt = 0;
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
    const file = await keep(found, deps, known, what);
    if (!file.isSealed) unsealed += 1;
    if (file.hasSurrogates) spoilt += 1;
    if (!file.isWhole) why = 'no more room';
    if (why !== undefined) break;
  }
  const notes = [
    ...(unsealed === 0 ? [] : [`${String(unsealed)} with private values could be kept only without them`]),
    ...(spoilt === 0 ? [] : [`${String(spoilt)} with surrogates where values belong`]),
  ];
  const left = noteOf(kept, leftOut, why);
  if (notes.length === 0) return { note: left, unsealed };
  return { note: `${left ?? `Artifacts: ${String(kept)} kept.`} Of them ${notes.join(', ')}.`, unsealed };
}

interface KeptFile {
  isWhole: boolean;
  /** What of it was replaced is kept, too. */
  isSealed: boolean;
  hasSurrogates: boolean;
}

async function keep(
  found: FoundFile,
  { handles, now }: RunDeps,
  known: LiveRecord,
  { stage, budget }: ArtifactsToKeep,
): Promise<KeptFile> {
  const { file, bytes } = found;
  const { privacy } = known;
  const name = privacy.text(found.name);
  const before = replacedBy(known);
  const original = privacy.keepOriginal?.(`artifact:${name}`);
  let isCut = false;
  const recorder = createStageRecorder({
    handles,
    run_id: known.run_id,
    stage,
    artifact: { name, media_type: mediaTypeOf(found.name) },
    budget,
    now,
    guard: privacy.stream,
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
      original?.add(chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
  } catch {
    isCut = true;
    recorder.truncated('artifact');
  } finally {
    await file.close();
    await recorder.seal();
  }
  const isSealed = original?.end(replacedBy(known) > before) !== false;
  return { isWhole: !isCut, isSealed, hasSurrogates: original?.hasSurrogates === true };
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
