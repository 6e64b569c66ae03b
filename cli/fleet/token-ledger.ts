import { addCounts, countStretches, isOutput, scaleUp } from '../../core/token-ledger.ts';
import { loadTokenCounter, type CountTokens } from '../../platform/count-tokens.ts';
import type { TokenCount } from '../../schemas/manifest.ts';
import { operatorRequests } from '../../schemas/operator.ts';
import type { Fleet } from './connect.ts';

/** A run, and what it put out. */
interface LedgerRun {
  run_id: string;
  label?: string | undefined;
  handles?: readonly { handle_id: string; stream: string; bytes: number }[] | undefined;
}

/** Tokens of one run, by the o200k tokenizer. */
export interface LedgerRow {
  run_id: string;
  label?: string | undefined;
  /** Of its output, had it been answered inline. */
  inline: TokenCount;
  /** Of what reached agents: what every reply said of it, and the pages read. */
  reached: TokenCount & { replies: number };
  tokens_avoided: number;
}

/** Base64 of a page has to fit its reply. */
const pageBytes = 20 * 1024;

/** Counts in this process, which ends: a tokenizer takes 70 MB that no server should hold. */
export async function tokenLedger(fleet: Fleet, runs: readonly LedgerRun[]): Promise<LedgerRow[]> {
  const count = await loadTokenCounter();
  const rows: LedgerRow[] = [];
  for (const { run_id: runId, label, handles = [] } of runs) {
    const { known, ...reached } = await countReached(fleet, runId, count);
    const counts: TokenCount[] = [];
    if (known === undefined) {
      for (const { handle_id: id, bytes } of handles.filter(isOutput)) {
        const read = (from: number, to: number) => readStretch(fleet, id, { from, to });
        counts.push(await countStretches(bytes, read, count));
      }
    }
    const inline = known ?? addCounts(counts);
    const tokensAvoided = inline.tokens - reached.tokens;
    rows.push({
      run_id: runId,
      ...(label !== undefined && { label }),
      inline,
      reached,
      tokens_avoided: tokensAvoided,
    });
  }
  return rows;
}

/** `known`: tokens of its output, where they were counted before. */
async function countReached(
  fleet: Fleet,
  runId: string,
  count: CountTokens,
): Promise<LedgerRow['reached'] & { known: TokenCount | undefined }> {
  const method = 'codex-fleet/told';
  const told = await fleet.request(method, operatorRequests[method], { run_id: runId });
  const { replies, bytes, inline: known } = told;
  let ofKept = 0;
  for (const { text, runs: sharers } of told.kept) ofKept += (await count(text)) / sharers;
  const counted = told.counted_bytes + told.kept.reduce((sum, part) => sum + part.bytes, 0);
  if (counted > 0 || bytes === 0) {
    const tokens = told.tokens + Math.round(ofKept);
    return { ...scaleUp(tokens, { of: bytes, counted }), replies, known };
  }
  // Nothing is left of what was told before the coordinator began: what it would say now is a sample of it.
  const { runs } = await fleet.call('poll_run', { run_ids: [runId] });
  const sample = JSON.stringify(runs);
  const tokens = Math.round(((await count(sample)) / Buffer.byteLength(sample)) * bytes);
  return { tokens, method: 'sampled', replies, known };
}

async function readStretch(
  fleet: Fleet,
  handle: string,
  { from, to }: { from: number; to: number },
): Promise<Buffer> {
  const pages: Buffer[] = [];
  for (let at = from; at < to;) {
    const count = Math.min(pageBytes, to - at);
    const input = { handle_id: handle, mode: 'bytes', from: at, count, encoding: 'base64' } as const;
    const page = await fleet.call('read_handle', input);
    if (page.to_byte <= at) break;
    pages.push(Buffer.from(page.text, 'base64'));
    at = page.to_byte;
  }
  return Buffer.concat(pages);
}
