import { countStretches } from '../../core/token-ledger.ts';
import type { RequestHandlers } from '../../mcp/own-requests.ts';
import type { Blobs } from '../../platform/blobs/blobs.ts';
import { loadTokenCounter, type CountTokens } from '../../platform/count-tokens.ts';
import type { ReaderRequests } from '../../schemas/operator.ts';

type Handlers = RequestHandlers<ReaderRequests>;
type Counting = Pick<Handlers, 'codex-fleet/count_tokens' | 'codex-fleet/count_content'>;

/** Counts tokens for a coordinator that has no room for a tokenizer; stored outputs where they lie. */
export function createCounting(blobs: Pick<Blobs, 'open'>): Counting {
  let loaded: Promise<CountTokens> | undefined;
  const counter = (): Promise<CountTokens> => (loaded ??= loadTokenCounter());
  return {
    async 'codex-fleet/count_tokens'({ texts }) {
      const count = await counter();
      const tokens: number[] = [];
      for (const text of texts) tokens.push(await count(text));
      return { tokens };
    },
    async 'codex-fleet/count_content'({ sha256, bytes }) {
      const count = await counter();
      const content = blobs.open(sha256, bytes);
      if (content === undefined) return {};
      try {
        const read = async (from: number, to: number): Promise<Uint8Array> => {
          const memory = Buffer.allocUnsafe(to - from);
          return memory.subarray(0, content.readInto(from, memory));
        };
        return { count: await countStretches(bytes, read, count) };
      } finally {
        content.close();
      }
    },
  };
}
