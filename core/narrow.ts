import type { Config } from '../schemas/config.ts';
import type { ProjectConfig } from '../schemas/project.ts';
import { strictestLimits } from './limits.ts';

/** The configuration that holds in a project: narrowed always, widened only where trusted. */
export function configInProject(config: Config, project: ProjectConfig, trusted: boolean): Config {
  const widen = trusted ? project.widen : undefined;
  const pipelines = { ...widen?.pipelines, ...config.pipelines };
  return {
    ...config,
    limits: {
      ...config.limits,
      ...strictestLimits(config.limits, project.limits),
      wall_ms: Math.min(config.limits.wall_ms, project.limits.wall_ms ?? Infinity),
      output_bytes: Math.min(config.limits.output_bytes, project.limits.output_bytes ?? Infinity),
    },
    pipelines: project.only_pipelines === undefined ? pipelines : only(pipelines, project.only_pipelines),
    commands: [...config.commands, ...(widen?.commands ?? [])],
    env: [...config.env, ...(widen?.env ?? [])],
  };
}

function only<T>(record: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
}
