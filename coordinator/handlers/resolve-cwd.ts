import { realpath, stat } from 'node:fs/promises';
import { FleetError } from '../../core/errors.ts';
import { checkCwd, type CwdRule } from '../../core/cwd-rule.ts';

/** Where runs may work, as the user configured it and the caller stands. */
export interface Allowed {
  roots: readonly string[];
  bridge: string | undefined;
  home: string;
  /** Where the fleet keeps its own records. */
  state: string;
}

/** The folders a call names, as they really are, each checked. */
export type ResolveFolders = (folders: ReadonlySet<string>, allowed: Allowed) => Promise<Map<string, string>>;

/** Calls of one fan-out name the same paths: they are looked up once for all of them. */
const rememberedMs = 1_000;
const rememberedPaths = 256;

/**
 * Resolves folders; CWD_NOT_ALLOWED for one that is missing, no folder, or outside what the user
 * allows. `uptimeMs` tells how long ago a path was looked up.
 */
export function createFolderResolver(uptimeMs: () => number): ResolveFolders {
  const remembered = new Map<string, { untilMs: number; found: Promise<string | undefined> }>();

  function real(path: string): Promise<string | undefined> {
    const known = remembered.get(path);
    const nowMs = uptimeMs();
    if (known !== undefined && nowMs < known.untilMs) return known.found;
    if (remembered.size >= rememberedPaths) remembered.clear();
    const found = realFolder(path);
    remembered.set(path, { untilMs: nowMs + rememberedMs, found });
    void found.then((folder) => {
      // It may be made at any moment.
      if (folder === undefined) remembered.delete(path);
    });
    return found;
  }
  async function resolveRule({ roots, bridge, home, state }: Allowed): Promise<CwdRule> {
    const [realRoots, realBridge, realHome, realState] = await Promise.all([
      Promise.all(roots.map(real)),
      bridge === undefined ? undefined : real(bridge),
      real(home),
      real(state),
    ]);
    return {
      roots: realRoots.filter((root) => root !== undefined),
      bridge: realBridge,
      home: realHome ?? home,
      state: realState ?? state,
    };
  }
  return async (folders, allowed) => {
    const rule = await resolveRule(allowed);
    const resolved = await Promise.all(
      [...folders].map(async (folder): Promise<[string, string]> => {
        const cwd = await real(folder);
        if (cwd === undefined) {
          throw new FleetError('CWD_NOT_ALLOWED', `${folder} is no folder on this machine.`);
        }
        checkCwd(cwd, rule);
        return [folder, cwd];
      }),
    );
    return new Map(resolved);
  };
}

/** Without symbolic links; undefined where there is no folder. */
async function realFolder(path: string): Promise<string | undefined> {
  try {
    const found = await realpath(path);
    return (await stat(found)).isDirectory() ? found : undefined;
  } catch {
    return undefined;
  }
}
