import { defineCommand } from '../command.ts';
import { unmarkDown, wantedDown, type DownHow } from '../fleet/down-mark.ts';
import { recordThisProcess } from '../fleet/process-record.ts';
import { standingOfThis } from '../fleet/standing.ts';
import { dropStartHint } from '../fleet/start-hint.ts';
import { startInTurn } from '../fleet/take-over.ts';
import { startCoordinator } from '../../coordinator/main.ts';
import { effectiveConfig, loadConfig } from '../../platform/config.ts';
import { processEnv } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { createLogger, logGuard } from '../../platform/log.ts';
import { fleetPaths, makePrivateDir } from '../../platform/paths.ts';
import { onShutdown } from '../../platform/shutdown.ts';

export const coordinator = defineCommand({
  name: 'coordinator',
  usage: '',
  about:
    'The long-lived process behind `codex-fleet up` and `codex-fleet mcp`, which start it. An older one hands\n' +
    'over to it; it ends at once where another as new has the lock of the state folder.',
  examples: ['CODEX_FLEET_LOG_LEVEL=debug codex-fleet coordinator'],
  options: {},
  run: async () => {
    const paths = fleetPaths(processEnv);
    makePrivateDir(paths.stateDir);
    makePrivateDir(paths.socketDir);
    const config = effectiveConfig(loadConfig(paths.configFile), findInstall());
    const log = createLogger({
      name: 'coordinator',
      level: processEnv['CODEX_FLEET_LOG_LEVEL'],
      guard: logGuard(config.privacy),
    });
    let forget = (): void => undefined;
    const onLocked = (): void => {
      forget = recordThisProcess(paths, undefined, standingOfThis);
      unmarkDown(paths);
    };
    // Before the start: a signal in the middle of it must not leave workers behind.
    const asked = new Promise<DownHow>((resolve) => {
      onShutdown((signal) => {
        const how = wantedDown(paths);
        log.info({ signal, how }, 'stopping');
        resolve(how);
      });
    });
    const running = await startInTurn(paths, () =>
      startCoordinator({ paths, config, env: processEnv, log, onLocked }),
    );
    dropStartHint(paths);
    void asked.then((how) => running.stop(how));
    await running.closed;
    forget();
    return 0;
  },
});
