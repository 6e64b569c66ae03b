import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { FleetError } from '../../../../core/errors.ts';
import type { Config } from '../../../../schemas/config.ts';

export interface CodexProgram {
  /** The program itself, real path; never the npm package's Node shim, which costs 200 ms a start. */
  binary: string;
  /** What a sandboxed command must be able to read for the sandbox to start: the package, or the program. */
  packagePath: string;
}

const howToGet = 'Run `npm install -g @openai/codex`, or set "codex": {"binary": …} in the configuration.';

/**
 * Looks in the configuration, then along PATH; a found npm shim stands for the program its package
 * brings. ENGINE_UNAVAILABLE where there is none.
 */
export async function findCodex(config: Config, path: string): Promise<CodexProgram> {
  const configured = config.codex.binary;
  if (configured !== undefined) {
    const found = isAbsolute(configured) ? await programAt(configured) : undefined;
    if (found !== undefined) return found;
    throw new FleetError('ENGINE_UNAVAILABLE', `"codex.binary" (${configured}) is not a program.`, {
      next: 'Give the absolute path of the Codex executable in the configuration.',
    });
  }
  for (const folder of path.split(':')) {
    const found = isAbsolute(folder) ? await programAt(join(folder, 'codex')) : undefined;
    if (found !== undefined) return found;
  }
  throw new FleetError('ENGINE_UNAVAILABLE', 'Codex is not installed.', { next: howToGet });
}

async function programAt(file: string): Promise<CodexProgram | undefined> {
  const real = await realpath(file).catch(() => undefined);
  if (real === undefined || !(await isProgram(real))) return undefined;
  if (basename(real) === 'codex.js') return vendorProgram(dirname(dirname(real)));
  const vendor = dirname(dirname(real));
  const isVendor = basename(dirname(vendor)) === 'vendor';
  return { binary: real, packagePath: isVendor ? vendor : real };
}

/** npm puts the platform's package beside the shim's, or inside it: `vendor/<target>/bin/codex`. */
async function vendorProgram(shimPackage: string): Promise<CodexProgram | undefined> {
  const name = `codex-${process.platform}-${process.arch}`;
  const places = [
    join(shimPackage, 'node_modules', '@openai', name, 'vendor'),
    join(dirname(shimPackage), name, 'vendor'),
    join(shimPackage, 'vendor'),
  ];
  for (const vendor of places) {
    for (const target of await readdir(vendor).catch(() => [])) {
      const binary = join(vendor, target, 'bin', 'codex');
      if (await isProgram(binary)) return { binary, packagePath: join(vendor, target) };
    }
  }
  return undefined;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
