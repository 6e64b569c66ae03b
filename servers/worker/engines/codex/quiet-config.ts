import { stringify } from 'smol-toml';
import { profileName } from './permission-profile.ts';

export interface RunConfig {
  /** From the user's own configuration, see CarriedConfig. */
  settings: Readonly<Record<string, unknown>>;
  /** Absent where commands run without Codex's sandbox. */
  profile: Readonly<Record<string, unknown>> | undefined;
  /** The whole environment of commands. */
  commandEnv: Readonly<Record<string, string>>;
  /** Folders whose own `.codex/` settings (MCP servers, hooks, rules) must not be loaded. */
  untrusted: readonly string[];
}

/** Contacts nothing but the model's endpoint, and keeps no connection alive for ever. */
const quiet = {
  check_for_update_on_startup: false,
  allow_login_shell: false,
  web_search: 'disabled',
  cli_auth_credentials_store: 'file',
  agents: { enabled: false },
  analytics: { enabled: false },
  feedback: { enabled: false },
  otel: { exporter: 'none', trace_exporter: 'none', metrics_exporter: 'none' },
  skills: { bundled: { enabled: false } },
  features: {
    apps: false,
    daemon_auto_start: false,
    goals: false,
    image_generation: false,
    plugins: false,
    remote_plugin: false,
    shell_snapshot: false,
    tool_suggest: false,
    unbounded_connection_retries: false,
  },
};

/** The text of an attempt's config.toml. */
export function runConfigToml(run: RunConfig): string {
  const trust = run.untrusted.map((folder) => [folder, { trust_level: 'untrusted' }]);
  const permissions =
    run.profile === undefined
      ? {}
      : { default_permissions: profileName, permissions: { [profileName]: run.profile } };
  return stringify({
    ...run.settings,
    ...quiet,
    ...permissions,
    shell_environment_policy: { inherit: 'none', set: run.commandEnv },
    projects: Object.fromEntries(trust),
  });
}
