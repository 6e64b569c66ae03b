import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { createPreviewSampler, renderPreview, type PreviewStream } from '../../../core/preview.ts';
import { buildSnapshot } from '../../../core/snapshot.ts';
import type { HandleRecord } from '../../../schemas/handle.ts';
import type { Output } from './output.ts';

export interface Shown {
  text: string;
  /** Of the preview alone. */
  tokens: number;
  /** Of the run's part of a reply: its state, its handle and the preview, as JSON. */
  replyTokens: number;
}

/** What poll_run shows of an output: within so many tokens, or as much as has at most so many lines. */
export function previewOf({ content, stderr }: Output, most: { tokens: number } | { lines: number }): Shown {
  const streams = [
    sampled('stdout', content),
    ...(stderr === undefined || stderr.length === 0 ? [] : [sampled('stderr', stderr)]),
  ];
  if ('tokens' in most) return shown(renderPreview(streams, most.tokens), streams);
  let best = '';
  for (let tokens = 100; tokens <= 8_000; tokens = Math.ceil(tokens * 1.05)) {
    const text = renderPreview(streams, tokens);
    // A header is no line of the output.
    if (text.split('\n').length - streams.length <= most.lines) best = text;
  }
  return shown(best, streams);
}

function sampled(
  stream: 'stdout' | 'stderr',
  content: Buffer,
): PreviewStream & { stream: 'stdout' | 'stderr' } {
  const sampler = createPreviewSampler();
  for (let at = 0; at < content.length; at += 65_536) sampler.push(content.subarray(at, at + 65_536));
  return {
    stream,
    stage: 'log',
    sample: sampler.sample(),
    bytes: content.length,
    lines: countLines(content),
  };
}

function shown(text: string, streams: readonly ReturnType<typeof sampled>[]): Shown {
  const handles = streams.map(({ stream, bytes, lines }): HandleRecord => ({
    handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT01',
    stream,
    stage: 'log',
    media_type: 'text/plain; charset=utf-8',
    state: 'sealed',
    bytes,
    lines,
    truncated: false,
    created_at: 0,
  }));
  const snapshot = buildSnapshot(
    {
      run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
      status: 'failed',
      label: undefined,
      worker: 'local-1',
      attempt: 1,
      accepted_at: 0,
      started_at: 2,
      first_output_at: 40,
      ended_at: 1_200,
      outcome: { kind: 'exit', code: 1 },
      error: undefined,
      waiting_for: undefined,
      not_before: undefined,
      liveness: undefined,
      question: undefined,
      decisions: [],
      usage: undefined,
      handles,
      preview: text,
    },
    8_000,
  );
  return { text, tokens: countTokens(text), replyTokens: countTokens(JSON.stringify(snapshot)) };
}

function countLines(content: Buffer): number {
  let lines = 0;
  for (let at = content.indexOf(10); at !== -1; at = content.indexOf(10, at + 1)) lines += 1;
  return content.length > 0 && content.at(-1) !== 10 ? lines + 1 : lines;
}
