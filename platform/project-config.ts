import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FleetError } from '../core/errors.ts';
import { configInProject } from '../core/narrow.ts';
import { parseJson } from '../core/parse-json.ts';
import type { Config } from '../schemas/config.ts';
import { projectConfig, type ProjectConfig } from '../schemas/project.ts';

export const projectFileName = '.codex-fleet.json';

/** What the user trusts: a project file's path, and the sha256 (hex) of its content at that time. */
const trustList = z.record(z.string(), z.string());

interface Found {
  file: string;
  digest: string;
  project: ProjectConfig;
}

/** The nearest project file at or above a folder. INVALID_INPUT names the wrong field of a broken one. */
export function findProject(cwd: string): Found | undefined {
  for (let dir = cwd; ; dir = dirname(dir)) {
    const file = join(dir, projectFileName);
    const text = readIfThere(file);
    if (text !== undefined) {
      return { file, digest: createHash('sha256').update(text).digest('hex'), project: parse(text, file) };
    }
    if (dirname(dir) === dir) return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(text: string, file: string): ProjectConfig {
  const parsed = projectConfig.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  const where = problem === undefined || problem.path.length === 0 ? 'the top level' : problem.path.join('.');
  throw new FleetError('INVALID_INPUT', `In ${file}, at ${where}: ${problem?.message ?? 'wrong shape'}.`, {
    next: 'Correct the file; docs/config.md lists every field.',
  });
}

function readTrust(trustFile: string): Record<string, string> {
  const parsed = trustList.safeParse(parseJson(readIfThere(trustFile) ?? '{}'));
  return parsed.success ? parsed.data : {};
}

/** The configuration that holds for runs in `cwd`. */
export function configAt(config: Config, cwd: string, trustFile: string): Config {
  const found = findProject(cwd);
  if (found === undefined) return config;
  return configInProject(config, found.project, readTrust(trustFile)[found.file] === found.digest);
}

/** Trusts the project file of a folder as it stands now, and answers it. NOT_FOUND where there is none. */
export function trustProject(cwd: string, trustFile: string): Found {
  const found = findProject(cwd);
  if (found === undefined) {
    throw new FleetError('NOT_FOUND', `There is no ${projectFileName} at or above ${cwd}.`, {
      next: `Make one in the project's top folder, or go there.`,
    });
  }
  const trust = { ...readTrust(trustFile), [found.file]: found.digest };
  writeFileSync(`${trustFile}.new`, JSON.stringify(trust), { mode: 0o600 });
  renameSync(`${trustFile}.new`, trustFile);
  return found;
}
