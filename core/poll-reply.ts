import type { HandleSummary } from '../schemas/handle.ts';
import type { RunSnapshot } from '../schemas/run.ts';
import { clipToJsonBytes, jsonBytes } from './json-bytes.ts';
import { shrinkPreview } from './preview.ts';

export interface SnapshotRow {
  seq: number;
  snapshot: RunSnapshot;
}

export interface PackedRuns {
  runs: RunSnapshot[];
  /** Sequence number of the last run told; empty where there is none. */
  cursor: string;
  /** Rows were left out: they follow the cursor. */
  more: boolean;
}

/** JSON of a reply beside its runs, `next` included. */
export const pollEnvelopeBytes = 512;

/** `,"preview":` */
const previewKeyBytes = 11;
/** A shorter preview says nothing. */
const minPreviewTokens = 12;
const maxTextBytes = 400;

/**
 * As many runs as fit into `maxBytes` (at least 2 KiB) of JSON array, by rising seq. Previews shrink,
 * each to a fair share, before a run is left out; one run always fits, if need be with fewer handles.
 */
export function packRuns(rows: readonly SnapshotRow[], maxBytes: number): PackedRuns {
  const ordered = [...rows].sort((a, b) => a.seq - b.seq);
  const { taken, bytes } = takeFitting(ordered.map(withoutPreview), maxBytes);
  const previews = sharePreviews(
    ordered.slice(0, taken.length).map(({ snapshot }) => snapshot.preview),
    maxBytes - bytes,
  );
  const runs = taken.map((run, at) => {
    const preview = previews[at];
    return preview === undefined ? run : { ...run, preview };
  });
  return { runs, cursor: String(ordered[taken.length - 1]?.seq ?? ''), more: taken.length < ordered.length };
}

/** The longest beginning that fits a JSON array of `maxBytes`; the first is trimmed where it alone does not. */
function takeFitting(
  runs: readonly RunSnapshot[],
  maxBytes: number,
): { taken: RunSnapshot[]; bytes: number } {
  const taken: RunSnapshot[] = [];
  let bytes = 2;
  for (const run of runs) {
    const one = taken.length === 0 ? trimToFit(run, maxBytes - bytes) : run;
    const size = jsonBytes(one) + (taken.length === 0 ? 0 : 1);
    if (taken.length > 0 && bytes + size > maxBytes) break;
    taken.push(one);
    bytes += size;
  }
  return { taken, bytes };
}

function withoutPreview({ snapshot }: SnapshotRow): RunSnapshot {
  const { preview: _preview, ...rest } = snapshot;
  return rest;
}

function trimToFit(run: RunSnapshot, maxBytes: number): RunSnapshot {
  if (jsonBytes(run) <= maxBytes) return run;
  const { handles = [], ...rest } = {
    ...run,
    ...(run.error !== undefined && { error: clipToJsonBytes(run.error, maxTextBytes) }),
    ...(run.question !== undefined && { question: clipToJsonBytes(run.question, maxTextBytes) }),
    ...(run.outcome !== undefined && { outcome: clipToJsonBytes(run.outcome, maxTextBytes) }),
  };
  const byWorth = [...handles].reverse().sort((a, b) => worth(a) - worth(b));
  const kept = new Set<HandleSummary>();
  let left = maxBytes - jsonBytes({ ...rest, handles: [], handles_omitted: handles.length });
  for (const handle of byWorth) {
    left -= jsonBytes(handle) + 1;
    if (left < 0) break;
    kept.add(handle);
  }
  if (kept.size === handles.length) return { ...rest, handles };
  const omitted = handles.length - kept.size;
  return { ...rest, handles: handles.filter((handle) => kept.has(handle)), handles_omitted: omitted };
}

/** The event log repeats what the other streams say; of those the latest stages matter most. */
function worth(handle: HandleSummary): number {
  return handle.stream === 'events' ? 1 : 0;
}

/** Room for each preview: what the small ones leave goes to the large ones. */
function sharePreviews(previews: readonly (string | undefined)[], room: number): (string | undefined)[] {
  const shown: (string | undefined)[] = previews.map(() => undefined);
  const claims = previews
    .flatMap((text, at) => (text === undefined ? [] : [{ at, text, need: previewBytes(text) }]))
    .sort((a, b) => a.need - b.need);
  let left = room;
  for (const [index, { at, text }] of claims.entries()) {
    const fitting = fitPreview(text, Math.floor(left / (claims.length - index)));
    if (fitting === undefined) continue;
    shown[at] = fitting;
    left -= previewBytes(fitting);
  }
  return shown;
}

function previewBytes(text: string): number {
  return jsonBytes(text) + previewKeyBytes;
}

function fitPreview(text: string, room: number): string | undefined {
  let shrunk = text;
  let tokens = Math.floor(room / 2);
  for (let size = previewBytes(shrunk); size > room; size = previewBytes(shrunk)) {
    if (tokens < minPreviewTokens) return undefined;
    shrunk = shrinkPreview(text, tokens);
    tokens = Math.floor(tokens * 0.8);
  }
  return shrunk === '' ? undefined : shrunk;
}
