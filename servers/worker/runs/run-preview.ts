import { renderPreview, shrinkPreview, type PreviewStream } from '../../../core/preview.ts';

/** Most a caller may ask for. */
const maxPreviewTokens = 2_000;

/** What a reader wants first. Engine events are read through their handle: as text they say little. */
const order: readonly string[] = ['last_message', 'stdout', 'stderr', 'diff'];

function shown(streams: readonly PreviewStream[]): PreviewStream[] {
  return streams
    .filter(({ stream }) => order.includes(stream))
    .toSorted((a, b) => order.indexOf(a.stream) - order.indexOf(b.stream));
}

/** The sampled output of one run over all its stages, and over its attempts. */
export interface RunPreview {
  /** `live` samples the stage under way. */
  begin: (live: () => PreviewStream[]) => void;
  /** The stage is over: its samples are kept, its samplers let go. */
  end: () => void;
  text: () => string | undefined;
}

export function createRunPreview(earlier: string | undefined): RunPreview {
  let done: PreviewStream[] = [];
  let live: (() => PreviewStream[]) | undefined;
  return {
    begin: (sampleNow) => {
      live = sampleNow;
    },
    end: () => {
      done = [...done, ...(live?.() ?? [])];
      live = undefined;
    },
    text: () => {
      const streams = shown([...done, ...(live?.() ?? [])]);
      const now = streams.length === 0 ? undefined : renderPreview(streams, maxPreviewTokens);
      const parts = [earlier, now].filter((text) => text !== undefined && text !== '');
      return parts.length === 0 ? undefined : shrinkPreview(parts.join('\n'), maxPreviewTokens);
    },
  };
}
