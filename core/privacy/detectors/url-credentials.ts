import type { View } from '../view.ts';
import { matchAt, type Detector, type Found } from './detector.ts';
import { isPlaceholder, isRandom } from './entropy.ts';

const rank = 60;

/** The password, or the key in its place, before the host of a URL (RFC 3986 §3.2.1). */
export const urlCredentialsDetector: Detector = {
  anchors: [{ text: '://', check: credentialsFollow }],
  find: (view, _start, end) => credentialsAt(view, end),
};

/** An `@` before the first slash, blank or quote. */
function credentialsFollow(bytes: Uint8Array, _start: number, end: number): boolean {
  const most = Math.min(bytes.length, end + 256);
  for (let at = end; at < most; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x40 || byte === 0x25 || byte === 0x5c || byte === 0x1b) return true;
    if (byte <= 0x20 || byte === 0x22 || byte === 0x27 || byte === 0x3c || byte === 0x3e) return false;
  }
  return most === bytes.length;
}

/** Up to the last `@` before a slash: passwords may have one, hosts may not. */
const beforeSlash = /([^\s:/@"'<>]{0,200}):([^\s/"'<>,;]{1,400})@(?=[\w.[])/y;
const credentials = /([^\s:/@"'<>]{0,200})(?::([^\s@"'<>]{1,400}))?@(?=[\w.[])/y;

function credentialsAt(view: View, at: number): Found | undefined {
  const found = matchAt(beforeSlash, view.text, at) ?? matchAt(credentials, view.text, at);
  if (found === null) return undefined;
  const [, user = '', password] = found;
  if (password === undefined) {
    return user.length >= 20 && isRandom(user)
      ? { type: 'SECRET', start: at, end: at + user.length, rank }
      : undefined;
  }
  const from = at + user.length + 1;
  // `host:8080/path@…` is a port and a path.
  if (isPlaceholder(password) || /^\d+\//.test(password) || /^[$<{%]/.test(password)) return undefined;
  // A name made by a machine is half of the key.
  return { type: 'SECRET', start: isRandom(user) ? at : from, end: from + password.length, rank };
}
