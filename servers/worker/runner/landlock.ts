import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { arch } from 'node:process';
import { fileURLToPath } from 'node:url';
import { callFilter } from './call-filter.ts';
import { devices, shownOfRun } from './confinement.ts';
import type { Confinement } from './process.ts';

const script = fileURLToPath(new URL('landlock.pl', import.meta.url));

/** Goes with the environment of what such a launcher becomes. */
export const launcherEnvironment = { PERL_BADLANG: '0' } as const;

/** Rules take some microseconds each; what is beyond is not shown. */
const maxEntries = 4_096;

/**
 * What starts a command confined where no namespace can be opened: it confines itself and becomes what
 * follows. Paths can only be allowed, so a folder with a private place in it is not, and each of its other
 * entries is. Landlock knows nothing of modes, owners, times and watches of files: held `whole`, these are refused everywhere.
 * Throws where the numbers of this processor's calls are not known.
 */
export function landlockLauncher(
  perl: string,
  confinement: Confinement,
  files: 'whole' | 'in part',
): readonly [string, ...string[]] {
  const { network, filtersCalls } = confinement;
  const filter = callFilter(arch, {
    network,
    refuses: filtersCalls ? 'much' : 'little',
    localSockets: false,
    refusesUnseen: files === 'whole',
  });
  if (filter === undefined) throw Object.assign(new Error('no filter'), { code: 'ENOSYS' });
  const rules = landlockRules(confinement, listFolder);
  const words = rules.flatMap(({ kind, path }) => [kind, path]);
  return [perl, '-T', script, arch, filter.toString('hex'), network ? 'open' : 'closed', ...words, '--'];
}

let text: string | undefined;

/** The same without Landlock: what has namespaces drops its privileges and filters its calls by itself, wherever the script lies. */
export function filterLauncher(perl: string, filter: Buffer): readonly [string, ...string[]] {
  text ??= readFileSync(script, 'utf8');
  return [perl, '-T', '-e', text, arch, filter.toString('hex'), 'none', '--'];
}

/** r: may be read and executed; w: written as well; d: a device. */
export interface LandlockRule {
  kind: 'r' | 'w' | 'd';
  path: string;
}

/** What may be opened: `list` names the entries of a folder, symbolic links left out. */
export function landlockRules(
  { writable, readable, hidden, network }: Confinement,
  list: (folder: string) => string[],
): LandlockRule[] {
  const shown = [...readable, ...(network ? shownOfRun : shownOfRun.slice(-1))];
  const shownAsIs = new Set([...writable, ...shown]);
  const places = ['/dev', '/run', '/tmp', ...hidden].filter((path) => !shownAsIs.has(path));
  const isHidden = new Set(places);
  const holdsHidden = new Set(places.flatMap(foldersAbove));
  let left = maxEntries;

  const allowed = (path: string): string[] => {
    if (isHidden.has(path)) return [];
    if (!holdsHidden.has(path)) return [path];
    const entries = list(path).slice(0, left);
    left -= entries.length;
    // Also where it may be searched and not listed.
    const known = [...holdsHidden].filter((one) => one !== path && dirname(one) === path);
    return [...new Set([...entries.map((name) => join(path, name)), ...known])].flatMap(allowed);
  };
  const rules = (kind: LandlockRule['kind'], paths: readonly string[]): LandlockRule[] =>
    paths.map((path) => ({ kind, path }));
  return [
    ...rules('w', writable.flatMap(allowed)),
    ...rules('r', ['/', ...shown].flatMap(allowed)),
    ...rules(
      'd',
      devices.map((name) => `/dev/${name}`),
    ),
  ];
}

/** All folders above a path. */
function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...foldersAbove(above)];
}

function listFolder(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isSymbolicLink()).map(({ name }) => name);
  } catch {
    return [];
  }
}
