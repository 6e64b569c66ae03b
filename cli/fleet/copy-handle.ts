import { FleetError } from '../../core/errors.ts';
import { maxPageBytes } from '../../schemas/tools.ts';
import type { ReadPage } from './read-handle.ts';

/** All of a handle as it stands, byte for byte, page by page; `onChunk` may answer a promise to wait for. */
export async function copyHandle(
  readPage: ReadPage,
  handle: string,
  onChunk: (chunk: Buffer) => unknown,
): Promise<void> {
  let from = 0;
  for (;;) {
    const request = {
      handle_id: handle,
      mode: 'bytes',
      from,
      count: maxPageBytes,
      encoding: 'base64',
    } as const;
    const page = await readPage(request);
    await onChunk(Buffer.from(page.text, 'base64'));
    if (page.to_byte >= page.bytes) return;
    if (page.to_byte <= from)
      throw new FleetError('INTERNAL', `No byte of ${handle} can be read after ${String(from)}.`);
    from = page.to_byte;
  }
}
