import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, run } from './lib/process.mjs';

/**
 * Where Node came with its headers, a package that has to be compiled uses those instead of
 * downloading them.
 */
function installEnvironment() {
  const prefix = dirname(dirname(process.execPath));
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node.h'));
  return hasHeaders ? { npm_config_nodedir: prefix, ...process.env } : process.env;
}

/** Installs the packages of the lock file in `folder` where they are missing or older than it. */
export async function bootstrap(folder = root) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  const wanted = join(folder, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  console.error(`Installing packages in ${folder === root ? 'this folder' : folder} …`);
  const { code } = await run('npm', ['ci', '--no-fund', '--no-audit'], {
    show: true,
    cwd: folder,
    env: installEnvironment(),
  });
  if (code !== 0) {
    console.error(
      'The installation failed. better-sqlite3 needs a prebuilt binary from the network, or a C++ compiler, make and Python 3.',
    );
    process.exit(1);
  }
}
