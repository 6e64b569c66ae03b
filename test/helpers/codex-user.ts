import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { startScriptedModel, type RateLimit, type ScriptedModel } from '../scripted-model/start.ts';
import { codexBinary } from './codex-parent.ts';
import { createFleet, type TestFleet } from './fleet.ts';

export interface CodexFleet extends TestFleet {
  model: ScriptedModel;
}

export interface CodexUserOptions {
  limit?: RateLimit;
  /** Codex's own, in the provider's table; none unless asked for. */
  retries?: Record<string, number>;
}

/** A fleet whose Codex is the real one, signed in nowhere, with the scripted model as its provider. */
export async function createCodexFleet(
  config: Record<string, unknown> = {},
  { limit, retries = { request_max_retries: 0, stream_max_retries: 0 } }: CodexUserOptions = {},
): Promise<CodexFleet> {
  const model = await startScriptedModel({ limit });
  const fleet = await createFleet({ codex: { binary: codexBinary() }, ...config });
  const userHome = join(fleet.home, '.codex');
  mkdirSync(userHome, { mode: 0o700 });
  const provider = {
    name: 'scripted',
    base_url: model.url,
    wire_api: 'responses',
    ...retries,
  };
  const toml = { model: 'gpt-5.5', model_provider: 'scripted', model_providers: { scripted: provider } };
  writeFileSync(join(userHome, 'config.toml'), stringify(toml));
  const close = async (): Promise<void> => {
    await fleet.close();
    await model.close();
  };
  return { ...fleet, model, close };
}
