import { readFileSync } from 'node:fs';
import { builtinCommands, builtinPipelines } from '../core/builtin.ts';
import { FleetError } from '../core/errors.ts';
import { config as configSchema, type Config } from '../schemas/config.ts';
import type { Install } from './install.ts';

/** The file's configuration, or the defaults where there is no file. INVALID_INPUT names the wrong field. */
export function loadConfig(file: string): Config {
  return parseConfig(readIfThere(file), file);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '{}';
    throw new FleetError('INVALID_INPUT', `The configuration ${file} cannot be read.`, { cause: error });
  }
}

function parseConfig(text: string, file: string): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new FleetError('INVALID_INPUT', `The configuration ${file} is not JSON.`, { cause: error });
  }
  const parsed = configSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'the top level' : issue.path.join('.');
  throw new FleetError('INVALID_INPUT', `In ${file}, at ${where}: ${issue?.message ?? 'wrong shape'}.`, {
    next: 'Correct the file; docs/config.md lists every field.',
  });
}

/** The configuration with the built-in pipelines and their commands; the user's own win by name. */
export function effectiveConfig(config: Config, install: Install): Config {
  return {
    ...config,
    pipelines: { ...builtinPipelines(install), ...config.pipelines },
    commands: [...builtinCommands(install), ...config.commands],
  };
}
