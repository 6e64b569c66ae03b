import { arch } from 'node:process';
import type { Entry } from './entry.ts';

/** One request to the spawner: 4 bytes of length, then fields that NUL separates (spawner.pl). */
export function frameOf(
  id: string,
  cwd: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  entry?: Entry,
): Buffer {
  const { initPid, setns, namespaces = [], filter } = entry ?? {};
  const enter = entry === undefined ? '' : [setns, initPid, ...namespaces].join(' ');
  const filtered = filter === undefined ? '' : `${arch} ${filter.toString('hex')}`;
  const fields = [id, enter, filtered, cwd, String(argv.length), ...argv];
  for (const name in env) fields.push(`${name}=${env[name] ?? ''}`);
  const body = fields.join('\0');
  const bytes = Buffer.byteLength(body);
  const frame = Buffer.allocUnsafe(4 + bytes);
  frame.writeUInt32BE(bytes, 0);
  frame.write(body, 4);
  return frame;
}
