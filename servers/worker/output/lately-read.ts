import type { StoredContent } from '../../../platform/blobs/stored-content.ts';
import type { LineIndex } from './line-index.ts';

/** Sealed handles kept at hand, the most lately read last. */
const keptHandles = 16;
/** A file that is replaced or removed keeps its disk space while it is open. */
const openForMs = 5_000;

/** A sealed handle at hand: what is known of it, its content while that is open, its line index once it was made. */
interface AtHand<Of> {
  of: Of;
  content: StoredContent | undefined;
  index: Promise<LineIndex> | undefined;
}

export interface Loader<Of> {
  /** What is known of a sealed handle; undefined where there is none. */
  find(handleId: string): Of | undefined;
  /** undefined where its content is gone. */
  open(of: Of): StoredContent | undefined;
  /** Of a content of its own, which it closes. */
  indexOf(of: Of): Promise<LineIndex>;
}

/**
 * What page after page needs of the same sealed handles: their records, files and line indexes. A page
 * then costs one read of the file, where journal, folder and blob would each be looked at several times.
 */
export class LatelyRead<Of> {
  readonly #atHand = new Map<string, AtHand<Of>>();
  readonly #loader: Loader<Of>;
  #willClose = false;

  constructor(loader: Loader<Of>) {
    this.#loader = loader;
  }

  find(handleId: string): Of | undefined {
    return this.#get(handleId)?.of;
  }

  /** Read from at once: it may be closed in the next turn of the event loop. */
  content(handleId: string): StoredContent | undefined {
    const handle = this.#get(handleId);
    if (handle === undefined) return undefined;
    handle.content ??= this.#loader.open(handle.of);
    if (!this.#willClose) setTimeout(() => this.#closeAll(), openForMs).unref();
    this.#willClose = true;
    return handle.content;
  }

  index(handleId: string): Promise<LineIndex> | undefined {
    const handle = this.#get(handleId);
    if (handle !== undefined) handle.index ??= this.#loader.indexOf(handle.of);
    return handle?.index;
  }

  /** Takes in a handle whose index was made while it was written. */
  sealed(handleId: string, of: Of, index: LineIndex): void {
    this.forget(handleId);
    this.#keep(handleId, { of, content: undefined, index: Promise.resolve(index) });
  }

  forget(handleId: string): void {
    this.#atHand.get(handleId)?.content?.close();
    this.#atHand.delete(handleId);
  }

  #get(handleId: string): AtHand<Of> | undefined {
    const known = this.#atHand.get(handleId);
    if (known !== undefined) {
      this.#atHand.delete(handleId);
      this.#atHand.set(handleId, known);
      return known;
    }
    const of = this.#loader.find(handleId);
    if (of === undefined) return undefined;
    const handle = { of, content: undefined, index: undefined };
    this.#keep(handleId, handle);
    return handle;
  }

  #keep(handleId: string, handle: AtHand<Of>): void {
    this.#atHand.set(handleId, handle);
    for (const oldest of this.#atHand.keys()) {
      if (this.#atHand.size <= keptHandles) return;
      this.forget(oldest);
    }
  }

  #closeAll(): void {
    this.#willClose = false;
    for (const handle of this.#atHand.values()) {
      handle.content?.close();
      handle.content = undefined;
    }
  }
}
