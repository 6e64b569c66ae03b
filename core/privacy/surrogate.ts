import type { SurrogateType } from '../../schemas/privacy.ts';

/**
 * A keyed pseudo-random function, at least 16 bytes: HMAC-SHA256 under the surrogate key of a scope.
 * Who has the key can make surrogates and tell genuine ones, and cannot turn one back.
 */
export type Mac = (message: string) => Uint8Array;

/** Without i, l, o and u (Crockford): read the same in either case. */
export const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** 55 bits for the value: among a million values of a scope two share them with probability 1.4e-5. */
const valueLength = 11;
/** 15 bits for how it was spelled, so that what stood there can be put back to the byte. */
const spellingLength = 3;
/** 20 keyed bits: a mangled or invented surrogate is taken for a genuine one once in a million. */
const checkLength = 4;
export const bodyLength = valueLength + spellingLength + checkLength;

const plainSpelling = '0'.repeat(spellingLength);

/**
 * What stands for a value: `EMAIL_` and 18 characters. The same value has the same first 11 under the
 * same key, another spelling of it other next 3, and the last 4 prove that it was made with the key.
 */
export function makeSurrogate(mac: Mac, type: SurrogateType, value: string, raw: string): string {
  const correlating = symbols(mac(`value|${type}|${value}`), valueLength);
  const spelling =
    raw === value ? plainSpelling : symbols(mac(`spelling|${type}|${value}|${raw}`), spellingLength);
  const body = correlating + spelling;
  return `${type}_${body}${checkOf(mac, type, body)}`;
}

/** Whether a surrogate was made with this key. `body` in lower case. */
export function isGenuine(mac: Mac, type: SurrogateType, body: string): boolean {
  const checked = body.slice(0, -checkLength);
  return body.length === bodyLength && checkOf(mac, type, checked) === body.slice(-checkLength);
}

/** The part that all spellings of a value share, with its type. */
export function correlatingPart(surrogate: string): string {
  return surrogate.slice(0, surrogate.length - spellingLength - checkLength);
}

function checkOf(mac: Mac, type: SurrogateType, checked: string): string {
  return symbols(mac(`check|${type}|${checked}`), checkLength);
}

/** The first 5·count bits, 5 to a character. */
function symbols(bytes: Uint8Array, count: number): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0x1fff;
    bits += 8;
    for (; bits >= 5 && text.length < count; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31] ?? '';
    if (text.length === count) break;
  }
  return text;
}
