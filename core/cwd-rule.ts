import { FleetError } from './errors.ts';

export interface CwdRule {
  /** Configured folders, as they are without symbolic links. */
  roots: readonly string[];
  /** The folder the caller's bridge was started in; undefined for a URL mount. */
  bridge: string | undefined;
  home: string;
  /** Where the fleet keeps its own records. */
  state: string;
}

/**
 * Whether a run may work in a folder, all paths absolute and free of symbolic links. CWD_NOT_ALLOWED
 * says why not: the file system's top, what holds the home folder, and what holds or is of the
 * fleet's own records are not for any run; everything else has to lie under a root or under the
 * folder the caller works in.
 */
export function checkCwd(cwd: string, { roots, bridge, home, state }: CwdRule): void {
  if (cwd === '/') throw refused('/ is the whole machine.', 'Name a project folder.');
  if (cwd === home)
    throw refused('The home folder itself is too much for a run.', 'Name a folder inside it.');
  if (contains(cwd, home))
    throw refused(`${cwd} holds the home folder, too much for a run.`, 'Name a project folder.');
  if (contains(cwd, state) || contains(state, cwd)) {
    throw refused(`The fleet keeps its own records in ${state}.`, 'Name a project folder.');
  }
  // A client started in / names no place of its own by that.
  const places = bridge === undefined || bridge === '/' ? roots : [...roots, bridge];
  if (places.some((place) => contains(place, cwd))) return;
  throw refused(
    `${cwd} lies under no configured root${bridge === undefined ? '' : ` and not under ${bridge}`}.`,
    `Add ${JSON.stringify(cwd)} to "roots" in the configuration, or name a folder under one.`,
  );
}

/** Whether a folder is the place or lies in it. */
export function contains(place: string, folder: string): boolean {
  return folder === place || folder.startsWith(place.endsWith('/') ? place : `${place}/`);
}

function refused(message: string, next: string): FleetError {
  return new FleetError('CWD_NOT_ALLOWED', message, { next });
}
