import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { isInside } from './permission-profile.ts';

/** More in one folder are not hidden one by one: each is a mount of every command. */
const mostEntries = 64;

/**
 * What of `hidden` can be hidden where `needed` has to stay in reach: nothing below a hidden folder is. A
 * folder with something needed in it is not hidden as a whole, but everything beside that.
 */
export async function hiddenBeside(hidden: readonly string[], needed: readonly string[]): Promise<string[]> {
  const parts = await Promise.all(hidden.map((path) => partsOf(path, needed)));
  const all = [...new Set(parts.flat())];
  // No mount can be made below one.
  return all.filter((path) => !all.some((above) => above !== path && isInside(path, above)));
}

async function partsOf(path: string, needed: readonly string[]): Promise<string[]> {
  if (needed.includes(path)) return [];
  // A mount cannot be made over a link; what is not there needs none.
  const real = await realpath(path).catch(() => undefined);
  if (real !== path) return real === undefined ? [] : hiddenBeside([real], needed);
  if (!needed.some((one) => isInside(one, path))) return [path];
  const names = await readdir(path).catch(() => []);
  const below = names.map((name) => join(path, name));
  const ways = below.filter((one) => needed.some((other) => isInside(other, one)));
  return hiddenBeside(names.length > mostEntries ? ways : below, needed);
}
