import type { Stats } from 'node:fs';

/** The bytes of an output, however they are stored. */
export interface StoredContent {
  /** Offsets below this can be read. */
  readonly size: number;
  /** Fills memory from `offset`; answers how many bytes, fewer than asked for only at the end. */
  readInto(offset: number, target: Buffer): number;
  close(): void;
}

export interface FileContent extends StoredContent {
  /** Of the file it is in. */
  readonly stat: Stats;
}
