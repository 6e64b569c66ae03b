import { sanitize } from '../core/sanitize.ts';

/** A longer line is shown in parts. */
const maxHeld = 65_536;

/** Bytes that come in pieces as visible text, see sanitize(). */
export interface VisibleText {
  push(chunk: Uint8Array): string;
  end(): string;
}

/** Whole lines are made visible: no terminal sequence spans the end of one. */
export function createVisibleText(): VisibleText {
  const decoder = new TextDecoder();
  let held = '';
  const shown = (text: string): string => {
    const end = text.length > maxHeld ? text.length : text.lastIndexOf('\n') + 1;
    held = text.slice(end);
    return sanitize(text.slice(0, end));
  };
  return {
    push: (chunk) => shown(held + decoder.decode(chunk, { stream: true })),
    end: () => sanitize(held + decoder.decode()),
  };
}
