import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { expect, test } from 'vitest';
import { codexBinary } from '../helpers/codex-parent.ts';
import { createFleet } from '../helpers/fleet.ts';
import { rotatingSignIn } from '../helpers/rotating-sign-in.ts';
import { script } from '../scripted-model/script.ts';
import { startScriptedModel } from '../scripted-model/start.ts';

test('eight runs on an expired sign-in renew it once and spend no refresh token twice', async () => {
  const model = await startScriptedModel();
  const userHome = mkdtempSync('/var/tmp/fleet-user-');
  const signIn = await rotatingSignIn(userHome);
  const provider = { name: 's', base_url: model.url, wire_api: 'responses', requires_openai_auth: true };
  const toml = { model: 'gpt-5.5', model_provider: 'signed', model_providers: { signed: provider } };
  writeFileSync(join(userHome, 'config.toml'), stringify(toml));
  const fleet = await createFleet(
    {
      codex: { binary: codexBinary(), home: userHome },
      env: ['CODEX_REFRESH_TOKEN_URL_OVERRIDE'],
      workers: { count: 2, slots: 4 },
    },
    { CODEX_REFRESH_TOKEN_URL_OVERRIDE: signIn.url },
  );
  try {
    const prompt = script({ say: 'done', delay_ms: 500 });
    const started = Array.from({ length: 8 }, () =>
      fleet.cli('run', '--detach', '--task', 'account', prompt),
    );
    for (const { code, stderr } of await Promise.all(started)) expect(code, stderr).toBe(0);
    const polled = await fleet.cli(
      'poll',
      '--json',
      '--wait',
      '25',
      '--until',
      'all',
      '--preview',
      '0',
      'account',
    );
    const { runs }: { runs: { outcome?: string; error?: string }[] } = JSON.parse(polled.stdout);
    expect(runs.map(({ outcome, error }) => error ?? outcome)).toEqual(Array(8).fill('exit 0'));
    expect(signIn.counts()).toEqual({ renewed: 1, reused: 0 });
    expect(signIn.tokens().inFile).toBe(signIn.tokens().valid);
  } finally {
    await fleet.close();
    await signIn.close();
    await model.close();
    rmSync(userHome, { recursive: true, force: true });
  }
}, 90_000);
