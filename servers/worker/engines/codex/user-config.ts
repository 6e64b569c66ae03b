import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse, type TomlTable } from 'smol-toml';
import { z } from 'zod';
import { FleetError } from '../../../../core/errors.ts';
import type { Config } from '../../../../schemas/config.ts';

const table = z.record(z.string(), z.unknown());
const choice = z.looseObject({
  model: z.string().optional(),
  model_provider: z.string().optional(),
  model_reasoning_effort: z.string().optional(),
  openai_base_url: z.string().optional(),
  chatgpt_base_url: z.string().optional(),
});
const userFile = choice.extend({
  profile: z.string().optional(),
  profiles: z.record(z.string(), choice).optional(),
  model_providers: z.record(z.string(), table).optional(),
  cli_auth_credentials_store: z.string().optional(),
});

/** What a run takes from the user's own Codex configuration. */
export interface CarriedConfig {
  /** Keys of config.toml: which model, from where, with how much effort. */
  settings: Record<string, unknown>;
  /** Values that stand in the user's file itself: given to the process by name, written nowhere. */
  secrets: Record<string, string>;
  /** Environment variables the provider reads its credentials from. */
  credentialNames: string[];
  provider: string;
  /** Whether the provider has an endpoint of its own, and so needs no OpenAI sign-in. */
  ownEndpoint: boolean;
  credentialStore: string;
}

/** The folder of the signed-in user's Codex. */
export function userCodexHome(config: Config, env: Readonly<Record<string, string | undefined>>): string {
  return config.codex.home ?? env['CODEX_HOME'] ?? join(env['HOME'] ?? homedir(), '.codex');
}

/** ENGINE_UNAVAILABLE where the file is there and cannot be understood. */
export async function readUserConfig(codexHome: string): Promise<CarriedConfig> {
  const file = join(codexHome, 'config.toml');
  const text = await readFile(file, 'utf8').catch(() => '');
  return carryOver(parseToml(text, file), file);
}

function parseToml(text: string, file: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    throw new FleetError('ENGINE_UNAVAILABLE', `${file} is not valid TOML.`, {
      next: 'Correct the file; `codex doctor` shows where.',
      cause: error,
    });
  }
}

/** Model, provider and effort, and never MCP servers, hooks, notifiers or plugins. */
export function carryOver(toml: TomlTable, file: string): CarriedConfig {
  const parsed = userFile.safeParse(toml);
  if (!parsed.success) {
    throw new FleetError('ENGINE_UNAVAILABLE', `${file} has a model or provider setting of the wrong kind.`, {
      next: 'Correct the file, then call again.',
    });
  }
  const user = parsed.data;
  const profile = user.profile === undefined ? undefined : user.profiles?.[user.profile];
  const provider = profile?.model_provider ?? user.model_provider ?? 'openai';
  const own = user.model_providers?.[provider];
  const safe = own === undefined ? undefined : withoutSecrets(own);
  const settings = {
    ...given('model', profile?.model ?? user.model),
    ...given('model_reasoning_effort', profile?.model_reasoning_effort ?? user.model_reasoning_effort),
    ...given('openai_base_url', profile?.openai_base_url ?? user.openai_base_url),
    ...given('chatgpt_base_url', profile?.chatgpt_base_url ?? user.chatgpt_base_url),
    model_provider: provider,
    ...given('model_providers', safe === undefined ? undefined : { [provider]: safe.table }),
  };
  return {
    settings,
    secrets: safe?.secrets ?? {},
    credentialNames: safe?.credentialNames ?? [],
    provider,
    ownEndpoint: own !== undefined && own['requires_openai_auth'] !== true,
    credentialStore: user.cli_auth_credentials_store ?? 'file',
  };
}

function given(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value };
}

const headers = z.record(z.string(), z.string()).catch({});

/** A provider's table with every value that may be a secret replaced by the name of a variable. */
function withoutSecrets(provider: Record<string, unknown>): {
  table: Record<string, unknown>;
  secrets: Record<string, string>;
  credentialNames: string[];
} {
  const { experimental_bearer_token: bearer, http_headers: plain, ...rest } = provider;
  const secrets: Record<string, string> = {};
  const byVariable = headers.parse(rest['env_http_headers'] ?? {});
  const names = [rest['env_key'], ...Object.values(byVariable)].filter((name) => typeof name === 'string');
  for (const [index, [header, value]] of Object.entries(headers.parse(plain ?? {})).entries()) {
    const name = `CODEX_FLEET_HEADER_${String(index)}`;
    secrets[name] = value;
    byVariable[header] = name;
  }
  const table: Record<string, unknown> = { ...rest };
  if (Object.keys(byVariable).length > 0) table['env_http_headers'] = byVariable;
  if (typeof bearer === 'string') {
    secrets['CODEX_FLEET_BEARER'] = bearer;
    table['env_key'] = 'CODEX_FLEET_BEARER';
  }
  return { table, secrets, credentialNames: names };
}
