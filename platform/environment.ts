import type { Config } from '../schemas/config.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

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
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'XDG_STATE_HOME',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_METRIC_EXPORT_INTERVAL',
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
  const path = config.path?.join(':') ?? env['PATH'] ?? defaultPath;
  return { ...pick(env, [...inherited, ...config.env]), PATH: path };
}

/** The whole environment of a coordinator or worker process: what it needs, and no secret. */
export function ownEnvironment(env: Environment, config: Config): Record<string, string> {
  return { PATH: defaultPath, ...pick(env, [...inherited, ...own, ...config.env]) };
}
