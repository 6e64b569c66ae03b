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

/**
 * The folders of a call as they really are, each checked once. CWD_NOT_ALLOWED for one that is
 * missing, no folder, or outside what the user allows.
 */
export async function resolveFolders(
  folders: ReadonlySet<string>,
  allowed: Allowed,
): Promise<Map<string, string>> {
  const rule = await resolveRule(allowed);
  const resolved = await Promise.all(
    [...folders].map(async (folder): Promise<[string, string]> => {
      const cwd = await real(folder);
      if (cwd === undefined || !(await stat(cwd)).isDirectory()) {
        throw new FleetError('CWD_NOT_ALLOWED', `${folder} is no folder on this machine.`);
      }
      checkCwd(cwd, rule);
      return [folder, cwd];
    }),
  );
  return new Map(resolved);
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

/** Without symbolic links; undefined where nothing is there. */
async function real(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}
