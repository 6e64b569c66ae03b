import { isAbsolute, join } from 'node:path';
import { contains } from '../../../core/cwd-rule.ts';
import { FleetError } from '../../../core/errors.ts';
import { scopeOf } from '../../../core/sandbox.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Pipeline } from '../../../schemas/pipeline.ts';
import { realPaths } from './private-places.ts';

/** Paths as they are without links, of those that are there. */
export interface Scope {
  write: string[];
  read: string[];
  hide: string[];
}

interface Run {
  config: Pick<Config, 'sandbox' | 'roots' | 'pipelines'>;
  pipeline: Pipeline;
  cwd: string;
}

/**
 * What configuration and pipeline let commands reach besides the profile. A path below the run's folder
 * counts only where it leads to a place in it: what a run left there may be a link. So does an absolute one that
 * a link in any folder for runs is followed for.
 */
export function scopeFor({ config, pipeline, cwd }: Run): Scope {
  const { sandbox } = config;
  const own = scopeOf(pipeline);
  const opened = [...sandbox.write, ...(own.write ?? []), ...sandbox.read, ...(own.read ?? [])];
  const forRuns = opened.some(isAbsolute) ? realPaths([cwd, ...foldersForRuns(config)]) : [];
  const open = (paths: readonly string[]): string[] =>
    places(paths.filter((path) => !isAbsolute(path) || leadsThere(path, forRuns)));
  const below = (path: string): string[] =>
    realPaths([cwd]).flatMap((workspace) =>
      realPaths([join(workspace, path)]).filter((real) => contains(workspace, real)),
    );
  const places = (paths: readonly string[] = []): string[] =>
    paths.flatMap((path) => (isAbsolute(path) ? realPaths([path]) : below(path)));
  return {
    write: open([...sandbox.write, ...(own.write ?? [])]),
    read: open([...sandbox.read, ...(own.read ?? [])]),
    hide: [...realPaths(sandbox.hide), ...places(own.hide)],
  };
}

function foldersForRuns({ sandbox, roots, pipelines }: Run['config']): string[] {
  const written = Object.values(pipelines).flatMap((pipeline) => scopeOf(pipeline).write ?? []);
  return [...roots, ...sandbox.write, ...written.filter((path) => isAbsolute(path))];
}

/** Whether every link on the way lies where no run could have made it, or leads to the folder it could. */
function leadsThere(path: string, forRuns: readonly string[]): boolean {
  let at = '/';
  for (const name of path.split('/').filter(Boolean)) {
    const next = join(at, name);
    const [real] = realPaths([next]);
    if (real === undefined) return true;
    const places = real === next ? [] : forRuns.filter((place) => contains(place, next));
    if (places.length > 0 && !places.some((place) => contains(place, real))) return false;
    at = real;
  }
  return true;
}

/**
 * INVALID_INPUT where paths that commands may read or write would open what every profile is for: the whole
 * machine or home folder, and what the fleet keeps.
 */
export function refuseHoles({ write, read }: Scope, home: string, ours: readonly string[]): void {
  for (const path of [...write, ...read]) {
    const opens = [home, ...ours].find((place) => contains(path, place));
    const of = ours.find((place) => contains(place, path));
    if (opens === undefined && of === undefined) continue;
    throw new FleetError('INVALID_INPUT', `The sandbox cannot open ${path}: ${whatIs(opens ?? of, home)}.`, {
      next: 'Name a folder below it, in "sandbox" of the configuration or of the pipeline.',
    });
  }
}

function whatIs(place: string | undefined, home: string): string {
  return place === home ? 'it holds the home folder' : 'the fleet keeps its own records there';
}
