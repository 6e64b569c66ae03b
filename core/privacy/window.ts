import { bytesOf } from './characters.ts';
import type { Detection } from './detect.ts';
import type { Finding, Replace } from './finding.ts';

/** A line, or lines read together, that are longer are read in windows of this size. */
export const windowBytes = 64 * 1024;
/** The end of a window is read again at the beginning of the next: no value but a key in marks is longer. */
const marginBytes = 4 * 1024;
/** What the detectors see of the text before a window. */
export const contextBytes = 64;

/** The stretch with its findings replaced, as pieces. */
export function replaced(
  bytes: Uint8Array,
  from: number,
  to: number,
  findings: readonly Finding[],
  replace: Replace,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = from;
  for (const finding of findings) {
    pieces.push(bytes.subarray(at, finding.start), Buffer.from(replace(finding)));
    at = finding.end;
  }
  pieces.push(bytes.subarray(at, to));
  return pieces;
}

/** Findings with their places counted from the beginning of the bytes rather than of the stretch. */
export function moved(findings: readonly Finding[], by: number): Finding[] {
  return by === 0
    ? [...findings]
    : findings.map((one) => ({ ...one, start: one.start + by, end: one.end + by }));
}

/**
 * Reads a long line window by window; answers the pieces and how far it came. Where the windows lie
 * depends on the line alone: a window that is not the line's last one is read only once it is full.
 */
export function readLong(
  detection: Detection,
  replace: Replace,
  bytes: Uint8Array,
  from: number,
  to: number,
  isWhole: boolean,
): { pieces: Uint8Array[]; end: number } {
  const pieces: Uint8Array[] = [];
  let start = from;
  while (to - start > windowBytes || (isWhole && start < to)) {
    const end = Math.min(start + windowBytes, to);
    const context = Math.max(0, start - contextBytes);
    const found = moved(detection.findings(bytes.subarray(context, end)), context).filter(
      (one) => one.start >= start,
    );
    const cut = isWhole && end === to ? to : cutBefore(bytes, start, end - marginBytes, found);
    pieces.push(
      ...replaced(
        bytes,
        start,
        cut,
        found.filter((one) => one.end <= cut),
        replace,
      ),
    );
    start = cut;
  }
  return { pieces, end: start };
}

/** A place to cut at: outside of every finding, and after a mark that ends words where there is one near. */
function cutBefore(bytes: Uint8Array, start: number, wanted: number, findings: readonly Finding[]): number {
  let cut = wanted;
  for (let at = wanted; at > wanted - 512; at -= 1) {
    if (marks.has(bytes[at - 1] ?? 0)) {
      cut = at;
      break;
    }
  }
  const over = findings.find((one) => one.start < cut && one.end > cut);
  if (over === undefined) return cut;
  return over.start > start ? over.start : over.end;
}

const marks = bytesOf(' \t,;"\'}]>');
