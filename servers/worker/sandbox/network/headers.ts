/** Of one connection, and not of what is asked over it: RFC 9110, section 7.6.1. */
const hopByHop =
  'connection proxy-connection keep-alive te trailer transfer-encoding upgrade proxy-authorization ' +
  'proxy-authenticate proxy-authentication-info';

/**
 * Headers as they are passed on, of a flat list of names and values; of a request with the one `host` it was
 * decided by. A body of unknown length stays one.
 */
export function endToEnd(raw: readonly string[], host?: string): Record<string, string | string[]> {
  const pairs = raw.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1] ?? '']] : [],
  );
  const named = pairs.filter(([name]) => name === 'connection').flatMap(([, value]) => value.split(','));
  const dropped = new Set([...hopByHop.split(' '), ...named.map((name) => name.trim().toLowerCase())]);
  // Who names these as of one connection would have them counted otherwise further on.
  for (const name of ['content-length', 'host']) dropped.delete(name);
  const passed: Record<string, string[]> = {};
  for (const [name, value] of pairs) {
    if (!dropped.has(name) && name !== 'host') (passed[name] ??= []).push(value);
  }
  if (host === undefined) return passed;
  const isChunked = pairs.some(([name]) => name === 'transfer-encoding');
  return { host, ...(isChunked && { 'transfer-encoding': 'chunked' }), ...passed };
}
