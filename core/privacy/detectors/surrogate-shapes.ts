import { surrogateTypes } from '../../../schemas/privacy.ts';
import { alphabet, bodyLength } from '../surrogate.ts';
import type { Detector } from './detector.ts';

/** Below everything: where it is part of a private value, that is replaced whole. */
const rank = 1;

const letters = new Set(Buffer.from(alphabet + alphabet.toUpperCase()));

/** Text with the form of a surrogate: a genuine one stays, any other is escaped by a surrogate of its own. */
export const surrogateShapeDetector: Detector = {
  anchors: surrogateTypes.map((type) => ({ text: `${type.toLowerCase()}_`, check: bodyFollows })),
  find: (_view, start, end) => ({ type: 'TEXT', start, end: end + bodyLength, rank }),
};

function bodyFollows(bytes: Uint8Array, _start: number, end: number): boolean {
  if (end + bodyLength > bytes.length) return false;
  for (let at = end; at < end + bodyLength; at += 1) if (!letters.has(bytes[at] ?? 0)) return false;
  return true;
}
