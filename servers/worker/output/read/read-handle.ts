import { FleetError } from '../../../../core/errors.ts';
import { checkReadFields, isPageMode, type ReadMode } from '../../../../core/read-fields.ts';
import type { HandleReader } from '../handle-store.ts';
import { readPage } from '../read-page.ts';
import { openContent } from './content.ts';
import { diff } from './diff.ts';
import { grep } from './grep.ts';
import { json } from './json.ts';
import { outline } from './outline.ts';
import { createPace } from '../../../../platform/pace.ts';
import { reply, type Found, type ReadCall, type ReadInput, type ReadOutput } from './request.ts';
import { stats } from './stats.ts';
import { untilChanged } from './until-changed.ts';

/** What a scan may take where the caller does not say: an answer within a second, with a cursor to go on. */
const defaultScanMs = 700;
const leastScanMs = 100;

type Scan = (call: ReadCall, store: HandleReader) => Promise<Found>;
type ScanMode = 'grep' | 'json' | 'stats' | 'outline' | 'diff';
const scans: Record<ScanMode, Scan> = { grep, json, stats, outline, diff };

/**
 * Answers a read_handle call from a store: a page, or what was looked for in the content; at most
 * maxPageBytes of JSON, with `next` and `cursor` to go on. Where a growing handle has nothing to
 * tell yet, waits for it up to `wait_ms`. INVALID_INPUT where fields do not go together or a pattern
 * is none, NOT_FOUND for an unknown handle.
 */
export async function readHandle(
  store: HandleReader,
  input: ReadInput,
  signal: AbortSignal,
): Promise<ReadOutput> {
  const mode = checkReadFields(input);
  const until = performance.now() + (input.wait_ms ?? 0);
  for (let ask = input; ;) {
    const before = store.stat(ask.handle_id);
    const answer = await readOnce(store, ask, mode, until, signal);
    if (before === undefined || !isWaitedFor(mode, answer) || performance.now() >= until) return answer;
    if (!(await untilChanged(store, before, until, signal))) return answer;
    if (answer.cursor !== undefined) ask = { ...ask, cursor: answer.cursor };
  }
}

async function readOnce(
  store: HandleReader,
  input: ReadInput,
  mode: ReadMode,
  until: number,
  signal: AbortSignal,
): Promise<ReadOutput> {
  if (isPageMode(mode)) return readPage(store, input);
  if (mode === 'export') {
    throw new FleetError('INVALID_INPUT', 'A worker alone has no task folder to export to.', {
      next: `Read it by pages: read_handle {"handle_id":"${input.handle_id}"}`,
    });
  }
  const record = store.stat(input.handle_id);
  const runId = store.runOf(input.handle_id);
  if (record === undefined || runId === undefined)
    throw new FleetError('NOT_FOUND', 'There is no such handle.');
  const budgetMs =
    input.wait_ms === undefined ? defaultScanMs : Math.max(leastScanMs, until - performance.now());
  const call = { input, runId, content: openContent(store, record), pace: createPace(budgetMs, signal) };
  return reply(call, await scans[mode](call, store));
}

/** Whether a growing handle had nothing yet of what was asked for. */
function isWaitedFor(mode: ReadMode, answer: ReadOutput): boolean {
  if (answer.sealed) return false;
  if (mode === 'grep' || mode === 'json') return answer.hits === 0;
  return isPageMode(mode) && answer.from_byte === answer.to_byte;
}
