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
  sandbox: Config['sandbox'];
  pipeline: Pipeline;
  cwd: string;
}

/**
 * What configuration and pipeline let commands reach besides the profile. A path below the run's folder
 * counts only where it leads to a place in it: what a run left there may be a link.
 */
export function scopeFor({ sandbox, pipeline, cwd }: Run): Scope {
  const own = scopeOf(pipeline);
  const below = (path: string): string[] =>
    realPaths([cwd]).flatMap((workspace) =>
      realPaths([join(workspace, path)]).filter((real) => contains(workspace, real)),
    );
  const places = (paths: readonly string[] = []): string[] =>
    paths.flatMap((path) => (isAbsolute(path) ? realPaths([path]) : below(path)));
  return {
    write: [...realPaths(sandbox.write), ...places(own.write)],
    read: [...realPaths(sandbox.read), ...places(own.read)],
    hide: [...realPaths(sandbox.hide), ...places(own.hide)],
  };
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
