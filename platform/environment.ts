import { readFileSync } from 'node:fs';
import type { Config } from '../schemas/config.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** How many runs stand between a person and a process: 0, or unset, in a person's own shell. */
export const depthVariable = 'CODEX_FLEET_DEPTH';

/** A folder of failpoints, for tests of what a crash leaves behind (platform/failpoint.ts). */
export const failpointsVariable = 'CODEX_FLEET_FAILPOINTS';

/** The only place that reads this process's environment. */
export const processEnv: Environment = process.env;

/** What runs always inherit; everything else is named in the configuration. */
const inherited = ['HOME', 'LANG', 'LC_ALL', 'LOGNAME', 'TERM', 'TZ', 'USER'];

/** What our own processes need, besides what runs inherit. */
const own = [
  'PATH',
  'TMPDIR',
  'CODEX_HOME',
  'CODEX_FLEET_CONFIG',
  'CODEX_FLEET_STATE_DIR',
  'CODEX_FLEET_LOG_LEVEL',
  depthVariable,
  failpointsVariable,
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'XDG_STATE_HOME',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_METRIC_EXPORT_INTERVAL',
];

/** What programs that ask a keyring or an agent need to find it. */
const keyring = [
  'DBUS_SESSION_BUS_ADDRESS',
  'DISPLAY',
  'GNUPGHOME',
  'GPG_TTY',
  'SSH_AUTH_SOCK',
  'TMPDIR',
  'WAYLAND_DISPLAY',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
];

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function pick(env: Environment, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

/** The whole environment of a run's processes: an allow-list, PATH from the configuration. */
export function runEnvironment(env: Environment, config: Config): Record<string, string> {
  return { ...pick(env, [...inherited, ...config.env]), PATH: runPath(env, config) };
}

/** PATH of runs: configured, else as the process that starts them has it. */
export function runPath(env: Environment, config: Pick<Config, 'path'>): string {
  return wholePaths(config.path?.join(':') ?? env['PATH']);
}

/**
 * The whole environment of a coordinator or worker process: what it needs, what the user names
 * (`env` of the configuration and of trusted projects), and no secret.
 */
export function ownEnvironment(env: Environment, named: readonly string[]): Record<string, string> {
  return { ...pick(env, [...inherited, ...own, ...named]), PATH: wholePaths(env['PATH']) };
}

/** The whole environment of a command that answers a credential. */
export function helperEnvironment(env: Environment): Record<string, string> {
  return { ...pick(env, [...inherited, ...keyring]), PATH: wholePaths(env['PATH']) };
}

/** A relative folder on PATH would run what lies in the folder a run works in. */
function wholePaths(path: string | undefined): string {
  const whole = path?.split(':').filter((folder) => folder.startsWith('/')) ?? [];
  return whole.length === 0 ? defaultPath : whole.join(':');
}

/** The depth this process was started at. */
export function readDepth(env: Environment): number {
  const depth = env[depthVariable] ?? '';
  return /^\d{1,3}$/.test(depth) ? Number(depth) : 0;
}

/** The environment another process of this user was started with (proc(5)); undefined where nobody can tell. */
export function environmentOf(pid: number): Environment | undefined {
  try {
    const pairs = readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
  } catch {
    return undefined;
  }
}
