import { randomBytes } from 'node:crypto';
import { processEnv, readDepth } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { onShutdown, type ShutdownSignal } from '../../platform/shutdown.ts';
import { Bridge } from '../bridge/bridge.ts';
import { readCredentials } from '../bridge/credentials.ts';
import { explainUnreachable } from '../bridge/explain.ts';
import { meetCoordinator } from '../bridge/meet.ts';
import { watchParent } from '../bridge/watch-parent.ts';
import { defineCommand } from '../command.ts';
import { isMarkedDown } from '../fleet/down-mark.ts';

const exitCodes: Record<ShutdownSignal, number> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Imports as little as it can: the client waits for the answer to `initialize`. */
export const mcp = defineCommand({
  name: 'mcp',
  usage: '',
  about:
    'Serves one MCP client over stdio: the command to put into the configuration of Codex, Claude Code or\n' +
    'any other client. Starts the fleet where it is not up. Ends with its client; runs go on.',
  examples: ['codex mcp add fleet -- codex-fleet mcp', 'claude mcp add fleet -- codex-fleet mcp'],
  options: {},
  run: () => serveClient(),
});

async function serveClient(): Promise<number> {
  const paths = fleetPaths(processEnv);
  const cwd = currentFolder();
  process.chdir('/');
  const startCoordinator = async (): Promise<void> => {
    const { startCoordinatorProcess } = await import('../fleet/start-coordinator.ts');
    await startCoordinatorProcess(paths, processEnv);
  };
  const bridge = new Bridge({
    input: process.stdin,
    output: process.stdout,
    coordinatorSocket: paths.coordinatorSocket,
    cwd,
    depth: readDepth(processEnv),
    id: randomBytes(9).toString('base64url'),
    patienceMs: 20_000,
    startCoordinator,
    meet: () => meetCoordinator(paths, startCoordinator),
    credentials: readCredentials(paths.configFile, processEnv),
    isTakenDown: () => isMarkedDown(paths),
    explain: (error) => explainUnreachable(error, paths),
  });
  let code = 0;
  onShutdown((signal) => {
    code = exitCodes[signal];
    bridge.end();
  });
  watchParent(() => bridge.end());
  await bridge.ended;
  return code;
}

function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
