import type { HandleRecord, StreamName } from '../../../schemas/handle.ts';

export interface CreateHandle {
  run_id: string;
  stage: string;
  stream: StreamName;
  /** Of an artifact. */
  name?: string;
  media_type: string;
  now: number;
  /** Handles whose content it may have, those of an earlier try: a small one is not stored again. */
  like?: readonly string[];
}

/** The right to append to one handle. Never given to readers. */
export interface HandleWriter {
  readonly handle_id: string;
  /**
   * Keeps the bytes in order; readable as soon as it returns, and copied: the chunk may be used again.
   * Never throws for a full disk: `failed` says so.
   */
  append(chunk: Uint8Array): void;
  readonly bytes: number;
  readonly lines: number;
  /** The errno of the first write that failed (`ENOSPC`), after which appends are dropped. */
  readonly failed: string | undefined;
  /** Ends the handle; idempotent. */
  seal(options: { truncated: boolean }): Promise<HandleRecord>;
}

/** Handles as they are read. Offsets are bytes from the start, always of uncompressed content. */
export interface HandleReader {
  stat(handleId: string): HandleRecord | undefined;
  runOf(handleId: string): string | undefined;
  /** Up to `length` bytes from `offset`; shorter at the end. NOT_FOUND for an unknown id. */
  read(handleId: string, offset: number, length: number): Promise<Buffer>;
  /**
   * The same into memory of the caller's, as much as there is room; answers how many bytes. What goes
   * through all of a content reads this way, and leaves no garbage behind.
   */
  readInto(handleId: string, offset: number, target: Buffer): Promise<number>;
  /** Byte offset where line `line` (from 1) begins; the size of the content where there are fewer lines. */
  lineOffset(handleId: string, line: number): Promise<number>;
}

/**
 * The bytes behind handles.
 * Implementations: files (one append-only file a handle) and memory; one suite proves both.
 */
export interface HandleStore extends HandleReader {
  create(params: CreateHandle): HandleWriter;
  ofRun(runId: string): HandleRecord[];
  /** Compresses contents last written before a time, while it may go on; they are read as before. */
  compressCold(before: number, mayGoOn: () => boolean): Promise<void>;
  delete(handleId: string): Promise<void>;
}
