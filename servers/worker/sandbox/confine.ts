import { dirname, join } from 'node:path';
import type { SandboxProfile } from '../../../schemas/sandbox.ts';
import type { Confinement } from '../runner/process.ts';
import { privatePlaces, realPaths } from './private-places.ts';
import type { Scope } from './scope.ts';

export interface ConfinedPlaces {
  cwd: string;
  /** A pipeline that changes nothing cannot. */
  readOnly: boolean;
  network: boolean;
  env: Readonly<Record<string, string>>;
  tmpBytes: number;
  scope: Scope;
  /** The fleet's own state and configuration. */
  ours: readonly string[];
  /** Where our own programs lie. */
  programs: string;
}

/** What a run of this profile can see and reach. */
export function confinementOf(profile: Exclude<SandboxProfile, 'off'>, places: ConfinedPlaces): Confinement {
  const { scope, env, cwd } = places;
  const home = env['HOME'] ?? '/root';
  const isStrict = profile === 'strict';
  const workspace = realPaths([cwd]);
  // Private places may be opened by their names; what was named to be hidden is not.
  const isOpen = (path: string): boolean => !scope.hide.includes(path);
  return {
    writable: [...(places.readOnly ? [] : workspace), ...scope.write.filter(isOpen)],
    readable: [
      ...(places.readOnly ? workspace : []),
      ...scope.read.filter(isOpen),
      ...(isStrict ? realPaths([places.programs, ...programFolders(env['PATH'] ?? '', home)]) : []),
    ],
    hidden: [...(isStrict ? realPaths([home]) : []), ...privatePlaces(home, places.ours), ...scope.hide],
    network: places.network,
    tmpBytes: places.tmpBytes,
    filtersCalls: isStrict,
  };
}

/** The folders of PATH below home, each with the installation it belongs to (`~/.nvm/versions/node/v20`). */
function programFolders(path: string, home: string): string[] {
  return [...path.split(':'), dirname(process.execPath)]
    .filter((folder) => folder.startsWith(`${home}/`))
    .flatMap((folder) => {
      const prefix = dirname(folder);
      const isOwn = folder.endsWith('/bin') && prefix.slice(home.length).split('/').length > 3;
      return isOwn ? [folder, join(prefix)] : [folder];
    });
}
