import type { ByteSource } from '../../core/diff-contents.ts';
import { FleetError } from '../../core/errors.ts';
import type { Output } from '../../mcp/handlers.ts';
import type { RunContracts, WorkerContracts } from '../../schemas/tools.ts';
import type { z } from 'zod';

export type Page = Output<RunContracts['read_handle']>;
export type ReadInput = z.input<WorkerContracts['read_handle']['input']>;

/** Asks whoever has a handle. */
export type Read = (input: ReadInput, signal: AbortSignal) => Promise<Page>;

/** One handle where it can be read. */
export interface RemoteHandle {
  read: Read;
  handleId: string;
  signal: AbortSignal;
}

/** Bytes from `offset` on, as many as the caller wants and one long page holds; fewer at the end. */
export async function readBytes(
  { read, handleId, signal }: RemoteHandle,
  offset: number,
  length: number,
): Promise<{ page: Page; bytes: Buffer }> {
  const page = await read(
    { handle_id: handleId, mode: 'bytes', from: offset, count: length, encoding: 'base64', detail: true },
    signal,
  );
  const bytes = Buffer.from(page.text, 'base64');
  if (page.from_byte + bytes.length === page.to_byte && page.from_byte <= offset) return { page, bytes };
  throw new FleetError('INTERNAL', `The worker answered other bytes of ${handleId} than it was asked for.`);
}

/** The handle as it stands, to be read by range. */
export async function remoteSource(handle: RemoteHandle): Promise<{ source: ByteSource; page: Page }> {
  const { page } = await readBytes(handle, 0, 1);
  const size = page.bytes;
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const parts: Buffer[] = [];
    const end = Math.min(size, offset + length);
    for (let at = offset; at < end;) {
      const { bytes } = await readBytes(handle, at, end - at);
      if (bytes.length === 0) break;
      parts.push(bytes);
      at += bytes.length;
    }
    return Buffer.concat(parts);
  };
  return { source: { size, read }, page };
}
