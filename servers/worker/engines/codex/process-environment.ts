import { FleetError } from '../../../../core/errors.ts';
import { httpLogFilter } from './http-log.ts';
import type { CarriedConfig } from './user-config.ts';

export interface ProcessEnvironmentInput {
  env: Readonly<Record<string, string>>;
  codexHome: string;
  tmpDir: string;
  carried: CarriedConfig;
  credential: (name: string) => string | undefined;
}

/**
 * The environment of a Codex process, the only one that ever holds a credential. ENGINE_UNAVAILABLE
 * where the provider's credential is not configured.
 */
export function processEnvironment(input: ProcessEnvironmentInput): Record<string, string> {
  const { carried, codexHome, tmpDir } = input;
  const env: Record<string, string> = {
    ...input.env,
    ...carried.secrets,
    CODEX_HOME: codexHome,
    TMPDIR: tmpDir,
    RUST_LOG: httpLogFilter,
  };
  // With it, every error Codex shows a model grows by twenty lines.
  delete env['RUST_BACKTRACE'];
  for (const name of carried.credentialNames) {
    const value = input.credential(name);
    if (value !== undefined) {
      env[name] = value;
    } else if (env[name] === undefined) {
      throw new FleetError(
        'ENGINE_UNAVAILABLE',
        `Model provider "${carried.provider}" needs the credential ${name}.`,
        {
          next: `Add "credentials": {"${name}": {"env": "${name}"}} to the configuration.`,
        },
      );
    }
  }
  return env;
}
