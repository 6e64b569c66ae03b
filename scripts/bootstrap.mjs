import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './lib/process.mjs';

/** Installs the packages of the lock file in `folder` where they are missing or older than it. */
export async function bootstrap(folder = root) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  const wanted = join(folder, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  console.error(`Installing packages in ${folder === root ? 'this folder' : folder} …`);
  const { code } = await run('npm', ['ci', '--no-fund', '--no-audit'], { show: true, cwd: folder });
  if (code !== 0) {
    console.error(
      'The installation failed. better-sqlite3 needs a prebuilt binary from the network, or a C++ compiler, make and Python 3.',
    );
    process.exit(1);
  }
}
