import { closeSync, fsyncSync, openSync, writeSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompressSync, constants } from 'node:zlib';
import { readInto } from './plain-file.ts';
import type { FileContent, StoredContent } from './stored-content.ts';

/**
 * Compressed content that is read from anywhere: brotli at quality 1 in frames of 256 KiB of content, each
 * on its own, then the table of their lengths (4 bytes each), then a footer of 32 bytes: the name of the
 * format, the codec, the content's bytes of a frame, the number of frames, the content's bytes.
 */
const frameBytes = 256 * 1024;
const magic = Buffer.from('cfframes');
const footerBytes = 32;
const brotli = 1;
/** Content that does not get smaller by so much stays as it is. */
const worthwhile = 0.9;

/** In a thread of the pool: a frame takes about a millisecond. */
const compressFrame = promisify<Buffer, { params: Record<number, number> }, Buffer>(brotliCompress);

/**
 * Writes a new file and puts it on disk. False where it would not be smaller, or `onFrame` has had
 * enough; `onFrame` sees each frame's content before it is compressed.
 */
export async function writeFramed(
  path: string,
  content: StoredContent,
  onFrame: (frame: Buffer) => boolean,
): Promise<boolean> {
  const fd = openSync(path, 'wx', 0o600);
  try {
    const lengths: number[] = [];
    let [written, at] = [0, 0];
    while (at < content.size) {
      const frame = Buffer.allocUnsafe(Math.min(frameBytes, content.size - at));
      const filled = frame.subarray(0, content.readInto(at, frame));
      if (filled.length < frame.length || !onFrame(filled)) return false;
      const compressed = await compressFrame(filled, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
      writeSync(fd, compressed);
      lengths.push(compressed.length);
      written += compressed.length;
      at += filled.length;
    }
    const end = Buffer.alloc(4 * lengths.length + footerBytes);
    lengths.forEach((length, index) => end.writeUInt32LE(length, 4 * index));
    const footer = end.subarray(4 * lengths.length);
    footer.set(magic);
    footer.writeUInt32LE(brotli, 8);
    footer.writeUInt32LE(frameBytes, 12);
    footer.writeUInt32LE(lengths.length, 16);
    footer.writeDoubleLE(content.size, 24);
    writeSync(fd, end);
    // What it stands for is removed next: a power cut must not find neither.
    fsyncSync(fd);
    return written + end.length <= worthwhile * content.size;
  } finally {
    closeSync(fd);
  }
}

/** Reads a file by its footer; undefined where it is none of ours. It closes `fd` in the end. */
export function readFramed(fd: number, stat: Stats): FileContent | undefined {
  if (stat.size < footerBytes) return undefined;
  const footer = Buffer.alloc(footerBytes);
  readInto(fd, stat.size - footerBytes, footer);
  const size = footer.readDoubleLE(24);
  const count = footer.readUInt32LE(16);
  const isOurs = footer.subarray(0, magic.length).equals(magic) && footer.readUInt32LE(8) === brotli;
  if (!isOurs || footer.readUInt32LE(12) !== frameBytes || count !== Math.ceil(size / frameBytes))
    return undefined;
  const tableAt = stat.size - footerBytes - 4 * count;
  if (tableAt < 0) return undefined;
  const table = Buffer.alloc(4 * count);
  readInto(fd, tableAt, table);
  const starts = [0];
  for (let index = 0; index < count; index += 1) {
    starts.push((starts[index] ?? 0) + table.readUInt32LE(4 * index));
  }
  if (starts[count] !== tableAt) return undefined;

  const frameAt = (index: number): Buffer | undefined => {
    const name = `${String(stat.dev)}:${String(stat.ino)}:${String(stat.mtimeMs)}:${String(index)}`;
    const from = starts[index] ?? 0;
    return lately(name, () => {
      const compressed = Buffer.allocUnsafe((starts[index + 1] ?? from) - from);
      readInto(fd, from, compressed);
      try {
        return brotliDecompressSync(compressed, { maxOutputLength: frameBytes });
      } catch {
        return undefined;
      }
    });
  };
  return {
    stat,
    size,
    readInto: (offset, target) => {
      let filled = 0;
      while (filled < target.length && offset + filled < size) {
        const at = offset + filled;
        const index = Math.floor(at / frameBytes);
        const copied = frameAt(index)?.copy(target, filled, at - index * frameBytes) ?? 0;
        // A damaged frame ends what can be read.
        if (copied === 0) break;
        filled += copied;
      }
      return filled;
    },
    close: () => closeSync(fd),
  };
}

/** Frames kept: a reader of pages comes back to the same. Two megabytes. */
const keptFrames = 8;
const frames = new Map<string, Buffer>();

function lately(name: string, read: () => Buffer | undefined): Buffer | undefined {
  const frame = frames.get(name) ?? read();
  frames.delete(name);
  if (frame === undefined) return undefined;
  frames.set(name, frame);
  for (const oldest of frames.keys()) {
    if (frames.size <= keptFrames) break;
    frames.delete(oldest);
  }
  return frame;
}
