import { createPreviewSampler, type PreviewSampler, type PreviewStream } from '../../../core/preview.ts';
import type { StreamName } from '../../../schemas/handle.ts';
import type { StageOutput } from '../engines/engine.ts';
import type { Guard } from '../output/guard.ts';
import type { HandleStore, HandleWriter } from '../output/handle-store.ts';

/** Bytes a run may still store, over all its stages. */
export interface OutputBudget {
  left: number;
  /** What its task leaves it, once that is not much; `onPassed` ends the run. */
  room?: { left: number; onPassed: () => void };
}

export interface StageRecorder extends StageOutput {
  /** Whether some byte could not be stored. */
  readonly diskFailed: boolean;
  previews: () => PreviewStream[];
  /** Ends the stage's handles; nothing is stored afterwards. */
  seal: () => Promise<void>;
}

export interface RecorderOptions {
  handles: HandleStore;
  run_id: string;
  stage: string;
  budget: OutputBudget;
  /** Of a file the run declares: what its handle is called. */
  artifact?: { name: string; media_type: string };
  now: () => number;
  /** Runs of this worker that tried the same before. */
  earlier?: readonly string[] | undefined;
  /** Makes what a stream passes first; without it bytes are stored as they come. */
  guard?: ((stream: StreamName) => Guard) | undefined;
  /** After every chunk stored, or held back. */
  onOutput: () => void;
  /** The output cap was passed, or the disk took no more. */
  onLimit: (which: 'output' | 'disk') => void;
}

const mediaTypes: Readonly<Record<StreamName, string>> = {
  stdout: 'text/plain; charset=utf-8',
  stderr: 'text/plain; charset=utf-8',
  events: 'application/jsonl',
  last_message: 'text/plain; charset=utf-8',
  diff: 'text/x-diff; charset=utf-8',
  artifact: 'application/octet-stream',
};

interface Stream {
  writer: HandleWriter;
  sampler: PreviewSampler;
}

/** Stores what a stage puts out, each stream behind a handle of its own, and samples it for the preview. */
export function createStageRecorder(options: RecorderOptions): StageRecorder {
  const { handles, run_id, stage, budget, now, artifact } = options;
  const streams = new Map<StreamName, Stream>();
  const guards = new Map<StreamName, Guard>();
  const cut = new Set<StreamName>();
  let isSealed = false;

  const open = (name: StreamName): Stream => {
    const media_type = artifact?.media_type ?? mediaTypes[name];
    const called = artifact === undefined ? {} : { name: artifact.name };
    const like = (options.earlier ?? []).flatMap((id) => handles.ofRun(id).map(({ handle_id }) => handle_id));
    const writer = handles.create({ run_id, stage, stream: name, ...called, media_type, now: now(), like });
    const stream = { writer, sampler: createPreviewSampler() };
    streams.set(name, stream);
    return stream;
  };
  const store = (name: StreamName, chunk: Uint8Array): void => {
    const { writer, sampler } = streams.get(name) ?? open(name);
    writer.append(chunk);
    sampler.push(chunk);
    budget.left -= chunk.length;
    if (budget.room !== undefined) budget.room.left -= chunk.length;
    options.onOutput();
    if (writer.failed !== undefined) {
      cut.add(name);
      options.onLimit('disk');
    }
  };
  const keep = (name: StreamName, chunk: Uint8Array): void => {
    if (chunk.length === 0) return;
    const { left, room } = budget;
    const most = Math.max(0, Math.min(left, room?.left ?? left));
    const kept = chunk.length <= most ? chunk : chunk.subarray(0, most);
    if (kept.length > 0) store(name, kept);
    if (kept.length === chunk.length) return;
    cut.add(name);
    if (room !== undefined && most < left) room.onPassed();
    else options.onLimit('output');
  };
  const guarded = (name: StreamName, make: (stream: StreamName) => Guard): Guard => {
    const guard = guards.get(name) ?? make(name);
    guards.set(name, guard);
    return guard;
  };
  /** What guards hold back will be stored as well. */
  const waiting = (): number => [...guards.values()].reduce((sum, guard) => sum + guard.waiting, 0);
  return {
    get diskFailed() {
      return [...streams.values()].some(({ writer }) => writer.failed !== undefined);
    },
    write: (name, chunk) => {
      if (isSealed) return;
      if (options.guard === undefined) {
        keep(name, chunk);
        return;
      }
      const settled = guarded(name, options.guard).transform(chunk);
      keep(name, settled);
      // What is held back is a sign of life, too, and counts against the cap.
      if (settled.length === 0) options.onOutput();
      if (waiting() > budget.left) options.onLimit('output');
    },
    truncated: (name) => {
      cut.add(name);
    },
    previews: () =>
      [...streams].map(([stream, { writer, sampler }]) => {
        return { stream, stage, sample: sampler.sample(), bytes: writer.bytes, lines: writer.lines };
      }),
    seal: async () => {
      if (!isSealed) for (const [name, guard] of guards) keep(name, guard.flush());
      isSealed = true;
      await Promise.all([...streams].map(([name, { writer }]) => writer.seal({ truncated: cut.has(name) })));
    },
  };
}
