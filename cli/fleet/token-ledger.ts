import { addCounts, countedStretches, scaleUp, type TokenCount } from '../../core/token-ledger.ts';
import { operatorRequests } from '../../schemas/operator.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import type { Fleet } from './connect.ts';

/** Tokens of one run, by the o200k tokenizer. */
export interface LedgerRow {
  run_id: string;
  label?: string | undefined;
  /** Of its output, had it been answered inline. */
  inline: TokenCount;
  /** Of what reached agents: its part of every poll_run reply, and the pages read. */
  reached: TokenCount & { replies: number };
  tokens_avoided: number;
}

/** Base64 of a page has to fit its reply. */
const pageBytes = 20 * 1024;
/** Of replies that were let go nothing is left to count: so many characters a token are usual. */
const usualCharacters = 4;
/** The event log repeats what the other streams say. */
const repeats = new Set(['events']);

/** Counts in this process, which ends: a tokenizer takes 70 MB that no server should hold. */
export async function tokenLedger(
  fleet: Fleet,
  runs: readonly RunSnapshot[],
): Promise<{ since: number; runs: LedgerRow[] }> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  const method = 'codex-fleet/told';
  const rows: LedgerRow[] = [];
  let since = 0;
  for (const { run_id: runId, label, handles = [] } of runs) {
    const told = await fleet.request(method, operatorRequests[method], { run_id: runId });
    since = told.since;
    const tokens = told.kept.reduce((sum, text) => sum + countTokens(text), 0);
    const reached: TokenCount =
      told.characters > 0 && told.kept_characters === 0
        ? { tokens: Math.ceil(told.characters / usualCharacters), method: 'sampled' }
        : scaleUp(tokens, { of: told.characters, counted: told.kept_characters });
    const counts: TokenCount[] = [];
    for (const { handle_id: handle, stream, bytes } of handles) {
      if (!repeats.has(stream)) counts.push(await countHandle(fleet, { handle, bytes }, countTokens));
    }
    const inline = addCounts(counts);
    rows.push({
      run_id: runId,
      ...(label !== undefined && { label }),
      inline,
      reached: { ...reached, replies: told.replies },
      tokens_avoided: inline.tokens - reached.tokens,
    });
  }
  return { since, runs: rows };
}

async function countHandle(
  fleet: Fleet,
  { handle, bytes }: { handle: string; bytes: number },
  countTokens: (text: string) => number,
): Promise<TokenCount> {
  let tokens = 0;
  let counted = 0;
  for (const { from, to } of countedStretches(bytes)) {
    const text = await readStretch(fleet, handle, { from, to });
    tokens += countTokens(text.toString('utf8'));
    counted += text.length;
  }
  return scaleUp(tokens, { of: bytes, counted });
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
