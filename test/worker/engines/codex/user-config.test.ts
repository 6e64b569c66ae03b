import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { httpLogFilter } from '../../../../servers/worker/engines/codex/http-log.ts';
import { processEnvironment } from '../../../../servers/worker/engines/codex/process-environment.ts';
import { runConfigToml } from '../../../../servers/worker/engines/codex/quiet-config.ts';
import { carryOver } from '../../../../servers/worker/engines/codex/user-config.ts';

const user = `
model = "gpt-5.5"
model_provider = "corp"
model_reasoning_effort = "high"
notify = ["/bin/evil"]
sandbox_mode = "danger-full-access"
[mcp_servers.evil]
command = "/bin/evil"
[hooks]
x = 1
[plugins.a]
enabled = true
[model_providers.corp]
base_url = "https://models.example/v1"
env_key = "CORP_KEY"
experimental_bearer_token = "secret-bearer"
[model_providers.corp.http_headers]
X-Team = "secret-header"
[model_providers.corp.env_http_headers]
X-User = "CORP_USER"
[model_providers.other]
base_url = "https://other.example"
`;

describe('what a run takes from the user', () => {
  const carried = carryOver(parse(user), 'config.toml');

  it('is the model, its provider and the effort, and no more', () => {
    expect(carried.settings).toEqual({
      model: 'gpt-5.5',
      model_reasoning_effort: 'high',
      model_provider: 'corp',
      model_providers: {
        corp: {
          base_url: 'https://models.example/v1',
          env_key: 'CODEX_FLEET_BEARER',
          env_http_headers: { 'X-User': 'CORP_USER', 'X-Team': 'CODEX_FLEET_HEADER_0' },
        },
      },
    });
    expect(carried.ownEndpoint).toBe(true);
  });

  it('mounts no MCP server, ours included: a run has to hand off by name to start a fleet', () => {
    const toml = runConfigToml({
      settings: carried.settings,
      profile: undefined,
      commandEnv: {},
      untrusted: ['/w'],
    });
    const written = parse(toml);
    for (const key of ['mcp_servers', 'hooks', 'notify', 'profiles']) expect(written).not.toHaveProperty(key);
    expect(written).toMatchObject({
      features: { plugins: false, apps: false },
      projects: { '/w': { trust_level: 'untrusted' } },
      shell_environment_policy: { inherit: 'none' },
    });
  });

  it('names credentials and never writes one', () => {
    expect(JSON.stringify(carried.settings)).not.toContain('secret');
    expect(carried.secrets).toEqual({
      CODEX_FLEET_BEARER: 'secret-bearer',
      CODEX_FLEET_HEADER_0: 'secret-header',
    });
    expect(carried.credentialNames).toEqual(['CORP_KEY', 'CORP_USER']);
  });

  it("is OpenAI's own provider where nothing is said", () => {
    expect(carryOver({}, 'config.toml')).toMatchObject({
      provider: 'openai',
      ownEndpoint: false,
      credentialStore: 'file',
    });
  });

  it('follows the chosen profile', () => {
    const toml = parse(
      'model = "a"\nprofile = "p"\n[profiles.p]\nmodel = "b"\nmodel_reasoning_effort = "low"',
    );
    expect(carryOver(toml, 'config.toml').settings).toMatchObject({
      model: 'b',
      model_reasoning_effort: 'low',
    });
  });

  it('is refused where it is of the wrong kind', () => {
    expect(() => carryOver(parse('model = 1'), 'config.toml')).toThrowError(
      expect.objectContaining({ code: 'ENGINE_UNAVAILABLE' }),
    );
  });
});

describe("a process's environment", () => {
  const carried = carryOver(
    parse('model_provider = "c"\n[model_providers.c]\nenv_key = "KEY"'),
    'config.toml',
  );
  const input = { env: { PATH: '/bin', RUST_BACKTRACE: '1' }, codexHome: '/h', tmpDir: '/t', carried };

  it('holds the credential, and no more than it is given', () => {
    expect(
      processEnvironment({ ...input, credential: (name) => (name === 'KEY' ? 'value' : undefined) }),
    ).toEqual({
      PATH: '/bin',
      RUST_LOG: httpLogFilter,
      CODEX_HOME: '/h',
      TMPDIR: '/t',
      KEY: 'value',
    });
  });

  it('is refused, with the fix, where the credential is missing', () => {
    expect(() => processEnvironment({ ...input, credential: () => undefined })).toThrowError(
      expect.objectContaining({ code: 'ENGINE_UNAVAILABLE', next: expect.stringContaining('"credentials"') }),
    );
  });
});
