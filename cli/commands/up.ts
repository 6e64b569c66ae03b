import { defineCommand } from '../command.ts';
import { ensureFleet, withFleet } from '../fleet/connect.ts';
import { unmarkDown } from '../fleet/down-mark.ts';
import { awaitUrl, mountLines, programWords } from '../fleet/mount.ts';
import { print, printJson } from '../output.ts';
import { loadConfig } from '../../platform/config.ts';
import { processEnv } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { fleetPaths } from '../../platform/paths.ts';

export const up = defineCommand({
  name: 'up',
  usage: '[OPTIONS]',
  about:
    'Starts the fleet: a coordinator and its workers, which go on when this terminal closes. Hands over the\n' +
    'credentials named in the configuration, and shows how to mount the fleet in a client. Where it is up\n' +
    'already, only that.',
  examples: ['codex-fleet up', 'codex-fleet up --json'],
  options: {},
  run: async ({ json }) => {
    const paths = fleetPaths(processEnv);
    unmarkDown(paths);
    const { version, workers } = await withFleet(ensureFleet(paths, processEnv), async (fleet) => ({
      version: fleet.server.version,
      ...(await fleet.call('list_workers', {})),
    }));
    const config = loadConfig(paths.configFile);
    const url = config.http.enabled ? await awaitUrl(paths) : undefined;
    if (json) {
      printJson({ up: true, version, url, secret_file: paths.secretFile, workers });
      return 0;
    }
    print(`The fleet is up: codex-fleet ${version}, ${String(workers.length)} workers.\n`);
    print(mountLines(programWords(findInstall(), processEnv), url, paths, config));
    return 0;
  },
});
