import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { FleetError } from '../core/errors.ts';
import type { CredentialSource } from '../schemas/config.ts';
import { helperEnvironment, type Environment } from './environment.ts';

const run = promisify(execFile);

/**
 * The credential values this process can provide, by variable name. An unset variable is left out;
 * INVALID_INPUT where a file cannot be read or a command fails. Values stay in memory.
 */
export async function resolveCredentials(
  sources: Readonly<Record<string, CredentialSource>>,
  env: Environment,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [name, source] of Object.entries(sources)) {
    const value = await resolveCredential(name, source, env);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** One credential's value; undefined for a variable that is not set. */
export async function resolveCredential(
  name: string,
  source: CredentialSource,
  env: Environment,
): Promise<string | undefined> {
  if ('env' in source) return env[source.env];
  try {
    if ('file' in source) return (await readFile(source.file, 'utf8')).trim();
    const [command, ...args] = source.command;
    if (command === undefined) return undefined;
    const { stdout } = await run(command, args, {
      cwd: '/',
      env: helperEnvironment(env),
      timeout: 10_000,
      maxBuffer: 65_536,
    });
    return stdout.trim();
  } catch (error) {
    const kind = 'file' in source ? `its file ${source.file} cannot be read` : 'its command failed';
    throw new FleetError('INVALID_INPUT', `Credential ${name}: ${kind}.`, {
      next: 'Correct "credentials" in the configuration.',
      cause: error,
    });
  }
}
