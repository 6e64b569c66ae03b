import type { HandleSummary } from '../schemas/handle.ts';
import { handlePrefix } from '../schemas/handle.ts';
import type { RunSnapshot } from '../schemas/run.ts';
import { isTerminal } from '../schemas/run-words.ts';
import { isWholePreview } from './preview.ts';

/** A handle as a client that knows of resources can open it. */
export interface ResultLink {
  uri: string;
  name: string;
  /** Bytes. */
  size: number;
}

/** Some clients show a link to their model, for 30 to 40 tokens each; the handles are told of anyway. */
export const maxLinks = 3;

/** What a person or an agent opens first: what an agent said, what was printed, what was changed. */
const order: Record<'failed' | 'else', readonly HandleSummary['stream'][]> = {
  failed: ['stderr', 'stdout', 'last_message', 'diff'],
  else: ['last_message', 'stdout', 'diff', 'artifact', 'stderr'],
};

/**
 * Links beside a reply about runs: of each run that has ended, failed ones first, the one handle worth
 * opening, and none where the preview has all of it already.
 */
export function resultLinks(runs: readonly Partial<RunSnapshot>[]): ResultLink[] {
  const ended = runs.filter(({ status }) => status !== undefined && isTerminal(status));
  const failedFirst = ended.toSorted((a, b) => Number(b.status === 'failed') - Number(a.status === 'failed'));
  return failedFirst.flatMap(linkOf).slice(0, maxLinks);
}

function linkOf({ status, handles = [], preview }: Partial<RunSnapshot>): ResultLink[] {
  if (preview !== undefined && isWholePreview(preview)) return [];
  const printed = handles.filter(({ bytes }) => bytes > 0);
  const handle = order[status === 'failed' ? 'failed' : 'else']
    .map((stream) => printed.findLast((one) => one.stream === stream))
    .find((one) => one !== undefined);
  if (handle === undefined) return [];
  const { handle_id: id, stream, bytes: size } = handle;
  return [{ uri: `${handlePrefix}${id}`, name: stream, size }];
}
