import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'smol-toml';
import { onTestFinished } from 'vitest';
import { config as configSchema, type Config } from '../../schemas/config.ts';
import { codexEngine } from '../../servers/worker/engines/codex/engine.ts';
import { probeReaping } from '../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../servers/worker/runner/start-process.ts';
import { startScriptedModel, type ScriptedModel } from '../scripted-model/start.ts';
import type { Place } from '../suites/engine.suite.ts';
import { codexBinary } from './codex-parent.ts';
import { scratchFolder } from './scratch.ts';

export interface CodexPlace extends Place {
  model: ScriptedModel;
  /** The signed-in user's CODEX_HOME. */
  userHome: string;
  /** HOME of the user, above it. */
  home: string;
}

export interface CodexPlaceOptions {
  reaping?: Config['reaping'];
  /** More of config.json. */
  config?: Record<string, unknown>;
  /** More of the provider's table in the user's config.toml. */
  provider?: Record<string, unknown>;
  /** More of the user's config.toml. */
  user?: Record<string, unknown>;
  modelName?: string;
}

const keyName = 'SCRIPTED_KEY';
/** What the credential of the scripted provider looks like: to be found nowhere it does not belong. */
export const keyValue = 'key-that-must-not-leak';

/** A user with a real Codex, whose provider is the scripted model; everything is gone after the test. */
export async function codexPlace(options: CodexPlaceOptions = {}): Promise<CodexPlace> {
  const root = scratchFolder();
  const home = join(root, 'user');
  const userHome = join(home, '.codex');
  const stateDir = join(root, 'state');
  for (const folder of [userHome, stateDir]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const model = await startScriptedModel();
  onTestFinished(() => model.close());
  const provider = {
    name: 'scripted',
    base_url: model.url,
    wire_api: 'responses',
    env_key: keyName,
    request_max_retries: 0,
    stream_max_retries: 0,
    ...options.provider,
  };
  const user = {
    model: options.modelName ?? 'gpt-5.5',
    model_provider: 'scripted',
    ...options.user,
    model_providers: { scripted: provider },
  };
  writeFileSync(join(userHome, 'config.toml'), stringify(user));
  writeFileSync(join(userHome, 'auth.json'), JSON.stringify({ OPENAI_API_KEY: keyValue }));
  const config = configSchema.parse({
    reaping: options.reaping ?? 'auto',
    codex: { binary: codexBinary(), home: userHome },
    ...options.config,
  });
  const path = `${dirname(process.execPath)}:/usr/bin:/bin`;
  const { layer } = await probeReaping({ config, path, stateDir, codexBinary: codexBinary() });
  onTestFinished(() => layer.close());
  const env = { PATH: path, HOME: home, LANG: 'C.UTF-8' };
  const startProcess = createStartProcess(layer);
  const status = await codexEngine.probe({ config, env, startProcess, stateDir });
  if (!status.available) throw new Error(status.why);
  const credential = (name: string): string | undefined => (name === keyName ? keyValue : undefined);
  return { config, env, startProcess, credential, model, userHome, home };
}
