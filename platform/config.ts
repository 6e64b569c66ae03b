import { readFileSync } from 'node:fs';
import { builtinCommands, builtinPipelines } from '../core/builtin.ts';
import { faultyEntry } from '../core/argv-policy.ts';
import { FleetError } from '../core/errors.ts';
import { firstProblem, type Problem } from '../core/first-problem.ts';
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
  if (!parsed.success) throw wrongField(file, firstProblem(parsed.error.issues));
  const fault = faultyEntry(parsed.data.commands);
  if (fault !== undefined) throw wrongField(file, { path: ['commands', fault.at], message: fault.why });
  return parsed.data;
}

/** Names the field of a configuration that is wrong. */
export function wrongField(file: string, problem: Problem | undefined): FleetError {
  const where = problem === undefined || problem.path.length === 0 ? 'the top level' : problem.path.join('.');
  return new FleetError('INVALID_INPUT', `In ${file}, at ${where}: ${problem?.message ?? 'wrong shape'}.`, {
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
