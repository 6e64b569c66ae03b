import { defineCommand } from '../command.ts';
import { unmarkDown, wantedDown } from '../fleet/down-mark.ts';
import { recordThisProcess } from '../fleet/process-record.ts';
import { dropStartHint } from '../fleet/start-hint.ts';
import { startCoordinator } from '../../coordinator/main.ts';
import { effectiveConfig, loadConfig } from '../../platform/config.ts';
import { processEnv } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { createLogger } from '../../platform/log.ts';
import { fleetPaths, makePrivateDir } from '../../platform/paths.ts';
import { onShutdown } from '../../platform/shutdown.ts';

export const coordinator = defineCommand({
  name: 'coordinator',
  usage: '',
  about:
    'The long-lived process behind `codex-fleet up` and `codex-fleet mcp`, which start it. Ends at once where\n' +
    'another one has the lock of the state folder.',
  examples: ['CODEX_FLEET_LOG_LEVEL=debug codex-fleet coordinator'],
  options: {},
  run: async () => {
    const paths = fleetPaths(processEnv);
    makePrivateDir(paths.stateDir);
    makePrivateDir(paths.socketDir);
    const log = createLogger({ name: 'coordinator', level: processEnv['CODEX_FLEET_LOG_LEVEL'] });
    const config = effectiveConfig(loadConfig(paths.configFile), findInstall());
    const running = await startCoordinator({ paths, config, env: processEnv, log });
    const forget = recordThisProcess(paths);
    unmarkDown(paths);
    dropStartHint(paths);
    onShutdown((signal) => {
      const how = wantedDown(paths);
      log.info({ signal, how }, 'stopping');
      void running.stop(how);
    });
    await running.closed;
    forget();
    return 0;
  },
});
