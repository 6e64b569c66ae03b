import type { ByteSource } from '../../core/diff-contents.ts';
import { readBytes, type Page, type RemoteHandle } from '../../core/remote-bytes.ts';

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
