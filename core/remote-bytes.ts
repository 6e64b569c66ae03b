import type { z } from 'zod';
import type { RunContracts, WorkerContracts } from '../schemas/tools.ts';
import { FleetError } from './errors.ts';

export type Page = z.input<RunContracts['read_handle']['output']>;
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
