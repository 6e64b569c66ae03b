import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { faultyEntry } from '../core/argv-policy.ts';
import { FleetError } from '../core/errors.ts';
import { firstProblem } from '../core/first-problem.ts';
import { configInProject } from '../core/narrow.ts';
import { parseJson } from '../core/parse-json.ts';
import type { Config } from '../schemas/config.ts';
import { projectConfig, type ProjectConfig } from '../schemas/project.ts';
import { wrongField } from './config.ts';

export const projectFileName = '.codex-fleet.json';

const maxProjectBytes = 256 * 1024;

/** What the user trusts: a project file's path, and the sha256 (hex) of its content at that time. */
const trustList = z.record(z.string(), z.string());

interface Found {
  file: string;
  digest: string;
  project: ProjectConfig;
}

/**
 * The project files at and above a folder, the nearest first. INVALID_INPUT names the wrong field of a broken one,
 * and refuses one that cannot be read: what it forbids must not be allowed for that.
 */
function findProjects(cwd: string): Found[] {
  const file = join(cwd, projectFileName);
  const here = existsSync(file) ? [readProject(file)] : [];
  return dirname(cwd) === cwd ? here : [...here, ...findProjects(dirname(cwd))];
}

function readProject(file: string): Found {
  const text = readRegular(file);
  return { file, digest: createHash('sha256').update(text).digest('hex'), project: parse(text, file) };
}

/** Whoever wrote the repository wrote the file: it may be a pipe that never ends, or enormous. */
function readRegular(file: string): string {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (stat.isFile() && stat.size <= maxProjectBytes) return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new FleetError('INVALID_INPUT', `${file} cannot be read.`, {
      next: 'Make it readable, or remove it.',
      cause,
    });
  }
  throw new FleetError('INVALID_INPUT', `${file} is no file of up to 256 KiB.`, {
    next: 'Correct or remove it.',
  });
}

function parse(text: string, file: string): ProjectConfig {
  const parsed = projectConfig.safeParse(parseJson(text));
  if (!parsed.success) throw wrongField(file, firstProblem(parsed.error.issues));
  const fault = faultyEntry(parsed.data.widen?.commands ?? []);
  if (fault !== undefined)
    throw wrongField(file, { path: ['widen', 'commands', fault.at], message: fault.why });
  return parsed.data;
}

function readTrust(trustFile: string): Record<string, string> {
  if (!existsSync(trustFile)) return {};
  const parsed = trustList.safeParse(parseJson(readFileSync(trustFile, 'utf8')));
  return parsed.success ? parsed.data : {};
}

/**
 * The configuration that holds for runs in `cwd`: narrowed by every project file at or above it, since what lies
 * in a project may be somebody else's, and widened by the nearest alone.
 */
export function configAt(config: Config, cwd: string, trustFile: string): Config {
  return findProjects(cwd).reduce((narrowed, { file, digest, project }, at) => {
    const trusted = at === 0 && readTrust(trustFile)[file] === digest;
    return configInProject(narrowed, project, { trusted, top: dirname(file), cwd, real: realPath });
  }, config);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Names of the variables trusted projects add to what runs inherit: our processes must have them to pass on. */
export function trustedVariables(trustFile: string): string[] {
  return Object.entries(readTrust(trustFile)).flatMap(([file, digest]) => {
    try {
      const found = readProject(file);
      return found.digest === digest ? (found.project.widen?.env ?? []) : [];
    } catch {
      return [];
    }
  });
}

/** Trusts the project file of a folder as it stands now, and answers it. NOT_FOUND where there is none. */
export function trustProject(folder: string, trustFile: string): Found {
  const cwd = realFolder(folder);
  const [found] = findProjects(cwd);
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

/** As runs know it: absolute, and free of symbolic links. */
function realFolder(folder: string): string {
  try {
    return realpathSync(resolve(folder));
  } catch (cause) {
    throw new FleetError('INVALID_INPUT', `There is no folder ${folder}.`, {
      next: 'Name one that is there.',
      cause,
    });
  }
}
