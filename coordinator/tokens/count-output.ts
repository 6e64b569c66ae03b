import { readBytes, type Read } from '../../core/remote-bytes.ts';
import { countStretches } from '../../core/token-ledger.ts';
import type { TokenCount } from '../../schemas/manifest.ts';
import type { CopyReader } from '../replicas/reader.ts';
import type { StoredHandle } from '../store/run-store.ts';

export interface Counting {
  copies: Pick<CopyReader, 'countTokens' | 'countContent'>;
  /** Who answers for a handle. */
  readerOf(handle: StoredHandle): Promise<Read>;
}

/**
 * Tokens of an output, counted where it is stored on this machine, else of what is fetched of it. Undefined
 * where nobody can read it; rejects where what is read cannot be counted.
 */
export async function countOutput(
  handle: StoredHandle,
  { copies, readerOf }: Counting,
  signal: AbortSignal,
): Promise<TokenCount | undefined> {
  const { handle_id: handleId, sha256, bytes } = handle;
  if (bytes === 0) return { tokens: 0, method: 'exact' };
  const stored = sha256 === undefined ? undefined : await copies.countContent(sha256, bytes);
  if (stored !== undefined) return stored;
  let reader: Read | undefined;
  let isUnreadable = false;
  async function fetchPages(from: number, to: number): Promise<Buffer> {
    reader ??= await readerOf(handle);
    const pages: Buffer[] = [];
    for (let at = from; at < to;) {
      const page = await readBytes({ read: reader, handleId, signal }, at, to - at);
      if (page.bytes.length === 0) break;
      pages.push(page.bytes);
      at += page.bytes.length;
    }
    return Buffer.concat(pages);
  }
  const read = async (from: number, to: number): Promise<Buffer> => {
    try {
      return await fetchPages(from, to);
    } catch (error) {
      isUnreadable = true;
      throw error;
    }
  };
  try {
    return await countStretches(bytes, read, async (text) => (await copies.countTokens([text]))[0] ?? 0);
  } catch (error) {
    if (isUnreadable) return undefined;
    throw error;
  }
}
