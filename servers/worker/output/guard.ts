/**
 * What every byte of one stream passes before anything else sees it: before its hash, its line index, its
 * preview, and the disk. It may hold back what it cannot judge yet.
 */
export interface Guard {
  /** The answer may be a view of the chunk; what it holds back is none. */
  transform(chunk: Uint8Array): Uint8Array;
  /** What it still holds back, when the stream has ended. */
  flush(): Uint8Array;
  /** Bytes it holds back now. */
  readonly waiting: number;
}
