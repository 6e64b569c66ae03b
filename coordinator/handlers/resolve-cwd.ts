import { realpath, stat } from 'node:fs/promises';
import { FleetError } from '../../core/errors.ts';
import { checkCwd } from '../../core/cwd-rule.ts';

/**
 * The folders of a call as they really are, each checked once. CWD_NOT_ALLOWED for one that is
 * missing, no folder, or outside what the user allows.
 */
export async function resolveFolders(
  folders: ReadonlySet<string>,
  allowed: { roots: readonly string[]; bridge: string | undefined; home: string },
): Promise<Map<string, string>> {
  const [roots, bridge, home] = await Promise.all([
    Promise.all(allowed.roots.map(real)),
    allowed.bridge === undefined ? undefined : real(allowed.bridge),
    real(allowed.home),
  ]);
  const rule = { roots: roots.filter((root) => root !== undefined), bridge, home: home ?? allowed.home };
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

/** Without symbolic links; undefined where nothing is there. */
async function real(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}
