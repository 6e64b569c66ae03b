import type { PrivateType } from '../finding.ts';
import type { View } from '../view.ts';

/** What a detector looks for first: a literal, and what must stand round it (cheap: asked of every occurrence). */
export interface Anchor {
  /** One character a byte; ASCII letters match in either case. */
  text: string;
  /** Kinds of bytes (see characters.ts) that may not stand right before it. Both are cheaper than `check`. */
  notAfter?: number;
  /** Its first letter is written as given: in this case only. */
  cased?: boolean;
  check?(bytes: Uint8Array, start: number, end: number): boolean;
}

/** A private value in a view, in characters of its text. */
export interface Found {
  type: PrivateType | 'TEXT';
  start: number;
  end: number;
  /** Of two that overlap, the higher one stays; of equal ones, the longer. */
  rank: number;
  /** One spelling for all, where it differs from the text. */
  value?: string;
}

/**
 * Finds one kind of value round its anchors. `find` is called once for each anchor that passed its
 * check and reads a bounded stretch on both sides of it, so that a text is read in linear time.
 */
export interface Detector {
  anchors: readonly Anchor[];
  find(view: View, start: number, end: number): Found | readonly Found[] | undefined;
}

/** Runs a sticky expression at a place. */
export function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}
