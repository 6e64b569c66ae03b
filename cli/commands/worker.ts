import { defineCommand, wrongUsage } from '../command.ts';
import { recordThisProcess } from '../fleet/process-record.ts';
import { readInteger } from '../options.ts';
import { closeInherited } from '../../platform/close-inherited.ts';
import { effectiveConfig, loadConfig } from '../../platform/config.ts';
import { processEnv } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { createLogger, logGuard } from '../../platform/log.ts';
import { fleetPaths, makePrivateDir } from '../../platform/paths.ts';
import { onShutdown } from '../../platform/shutdown.ts';
import { plainName } from '../../schemas/ids.ts';
import { startWorker } from '../../servers/worker/main.ts';

type Listen = Parameters<typeof startWorker>[0]['listen'];

export const worker = defineCommand({
  name: 'worker',
  usage: '[OPTIONS]',
  about:
    'Runs one worker: an MCP server that executes runs. The coordinator starts its own; this is for one by hand.',
  examples: [
    'codex-fleet worker --stdio',
    'codex-fleet worker --id gpu --slots 2 --socket /run/user/1000/gpu.sock',
    'CODEX_FLEET_SECRET=… codex-fleet worker --id far --http 8787',
    'CODEX_FLEET_SECRET=… codex-fleet worker --id far --http 8787 --host 0.0.0.0 --tls ~/far-server',
  ],
  options: {
    stdio: { type: 'boolean', about: 'Serve one client on stdin and stdout (the default)' },
    socket: { type: 'string', value: 'PATH', about: 'Serve on a Unix socket' },
    http: {
      type: 'string',
      value: 'PORT',
      about: 'Serve Streamable HTTP on 127.0.0.1; secret in CODEX_FLEET_SECRET',
    },
    host: { type: 'string', value: 'ADDRESS', about: 'With --http and --tls: listen there' },
    tls: { type: 'string', value: 'FOLDER', about: 'With --http: the server folder of `codex-fleet certs`' },
    id: { type: 'string', value: 'NAME', about: 'Its name; default by-hand' },
    slots: { type: 'string', value: 'N', about: 'Runs at a time; default from the configuration' },
  },
  run: async ({ values, positionals }) => {
    closeInherited();
    if (positionals.length > 0) throw wrongUsage('worker', `"${positionals.join(' ')}" was not expected`);
    const id = values.id ?? 'by-hand';
    if (!plainName.safeParse(id).success)
      throw wrongUsage('worker', '--id takes letters, digits, dot, dash, underscore');
    const askedSlots = readInteger('worker', 'slots', values.slots, { min: 1, max: 64 });
    const listen = readListen(values);
    const paths = fleetPaths(processEnv);
    makePrivateDir(paths.stateDir);
    makePrivateDir(paths.workerDir(id));
    const config = effectiveConfig(loadConfig(paths.configFile), findInstall());
    const log = createLogger({
      name: `worker ${id}`,
      level: processEnv['CODEX_FLEET_LOG_LEVEL'],
      guard: logGuard(config.privacy),
    });
    const slots = askedSlots ?? config.workers.slots;
    const running = await startWorker({ id, slots, listen, paths, config, env: processEnv, log });
    const forget = recordThisProcess(paths, id);
    if (running.port !== undefined) log.info({ port: running.port }, 'listening');
    onShutdown((signal) => {
      log.info({ signal }, 'stopping');
      void running.stop('keep');
    });
    await running.closed;
    forget();
    return 0;
  },
});

interface Where {
  socket?: string | undefined;
  http?: string | undefined;
  host?: string | undefined;
  tls?: string | undefined;
}

function readListen({ socket, http, host, tls }: Where): Listen {
  if (socket !== undefined) return { over: 'socket', path: socket };
  const port = readInteger('worker', 'http', http, { min: 0, max: 65_535 });
  if (port === undefined) return { over: 'stdio' };
  const secret = processEnv['CODEX_FLEET_SECRET'];
  if (secret === undefined || secret.length < 16) {
    throw wrongUsage('worker', '--http needs CODEX_FLEET_SECRET, of 16 characters or more');
  }
  return { over: 'http', port, secret, host, tls };
}
