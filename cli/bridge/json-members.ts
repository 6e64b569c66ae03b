/** Where a member's value stands in the bytes: from `start` up to, not including, `end`. */
export interface Span {
  start: number;
  end: number;
}

export interface JsonObject {
  members: ReadonlyMap<string, Span>;
  /** The closing brace. */
  close: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * The members of the JSON object that begins at `start`, without building its values: so that bytes
 * can be added to a message while the rest stays as the sender wrote it. undefined where the bytes
 * are not such an object. Only as strict as finding the members needs; the receiver parses in full.
 */
export function readMembers(bytes: Buffer, start: number): JsonObject | undefined {
  let at = skipSpace(bytes, start);
  if (bytes[at] !== openBrace) return undefined;
  const members = new Map<string, Span>();
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === closeBrace) return { members, close: at };
  for (;;) {
    const keyEnd = skipString(bytes, at);
    if (keyEnd === undefined) return undefined;
    const key = parseString(bytes, at, keyEnd);
    at = skipSpace(bytes, keyEnd);
    if (key === undefined || bytes[at] !== colon) return undefined;
    const valueStart = skipSpace(bytes, at + 1);
    const valueEnd = skipValue(bytes, valueStart);
    if (valueEnd === undefined) return undefined;
    members.set(key, { start: valueStart, end: valueEnd });
    at = skipSpace(bytes, valueEnd);
    if (bytes[at] === closeBrace) return { members, close: at };
    if (bytes[at] !== comma) return undefined;
    at = skipSpace(bytes, at + 1);
  }
}

/** The value at `span` if it is a string, a number, true, false or null. */
export function readScalar(bytes: Buffer, span: Span | undefined): unknown {
  if (span === undefined || bytes[span.start] === openBrace || bytes[span.start] === openBracket)
    return undefined;
  try {
    return JSON.parse(bytes.toString('utf8', span.start, span.end));
  } catch {
    return undefined;
  }
}

function parseString(bytes: Buffer, start: number, end: number): string | undefined {
  const value = readScalar(bytes, { start, end });
  return typeof value === 'string' ? value : undefined;
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  for (
    let byte = bytes[at];
    byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    byte = bytes[at]
  )
    at += 1;
  return at;
}

/** Just past the string that begins at `start`. */
function skipString(bytes: Buffer, start: number): number | undefined {
  if (bytes[start] !== quote) return undefined;
  let at = bytes.indexOf(quote, start + 1);
  while (at >= 0) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes += 1;
    if (slashes % 2 === 0) return at + 1;
    at = bytes.indexOf(quote, at + 1);
  }
  return undefined;
}

/** Just past the value that begins at `start`. */
function skipValue(bytes: Buffer, start: number): number | undefined {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === quote) {
      const end = skipString(bytes, at);
      if (end === undefined || depth === 0) return end;
      at = end;
      continue;
    }
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 0) return at === start ? undefined : at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (
      depth === 0 &&
      (byte === comma || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
    ) {
      return at === start ? undefined : at;
    }
    at += 1;
  }
  return undefined;
}
