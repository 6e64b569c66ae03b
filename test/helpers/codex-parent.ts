import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';
import { runProgram, type CommandResult } from './fleet.ts';

const clients = join(dirname(fileURLToPath(import.meta.url)), '..', 'clients');
const resolve = createRequire(join(clients, 'package.json'));

/** The real Codex binary of test/clients, without its Node shim. */
export function codexBinary(): string {
  const vendor = join(
    dirname(resolve.resolve(`@openai/codex-${process.platform}-${process.arch}/package.json`)),
    'vendor',
  );
  const [triple] = readdirSync(vendor);
  if (triple === undefined) throw new Error(`no Codex in ${vendor}`);
  return join(vendor, triple, 'bin', 'codex');
}

export type FleetMount =
  | { command: string; args: string[]; env: Record<string, string> }
  | { url: string; bearer_token_env_var: string };

export interface ParentOptions {
  /** CODEX_HOME; made here. Not under the system's temp folder. */
  home: string;
  cwd: string;
  model: string;
  /** base_url of the scripted model. */
  modelUrl: string;
  mount: FleetMount;
  prompt: string;
  env: Readonly<Record<string, string>>;
}

/** Runs `codex exec --json` with the fleet mounted, to its end. */
export async function runCodexParent(options: ParentOptions): Promise<CommandResult> {
  await mkdir(options.home, { recursive: true, mode: 0o700 });
  const provider = {
    name: 'scripted',
    base_url: options.modelUrl,
    wire_api: 'responses',
    request_max_retries: 0,
    stream_max_retries: 0,
  };
  const config = {
    model: options.model,
    model_provider: 'scripted',
    check_for_update_on_startup: false,
    allow_login_shell: false,
    web_search: 'disabled',
    analytics: { enabled: false },
    feedback: { enabled: false },
    features: {
      plugins: false,
      apps: false,
      remote_plugin: false,
      shell_snapshot: false,
      daemon_auto_start: false,
      unbounded_connection_retries: false,
    },
    model_providers: { scripted: provider },
    mcp_servers: {
      fleet: {
        ...options.mount,
        required: true,
        tool_timeout_sec: 120,
        default_tools_approval_mode: 'approve',
      },
    },
  };
  await writeFile(join(options.home, 'config.toml'), stringify(config));
  const args = ['exec', '--json', '--skip-git-repo-check', options.prompt];
  return runProgram(codexBinary(), args, options.cwd, { ...options.env, CODEX_HOME: options.home });
}
