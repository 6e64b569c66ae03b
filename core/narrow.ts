import type { Config } from '../schemas/config.ts';
import type { NetworkGrant } from '../schemas/network.ts';
import type { Pipeline } from '../schemas/pipeline.ts';
import type { ProjectConfig } from '../schemas/project.ts';
import { strictestLimits } from './limits.ts';
import { bothGrant } from './network-grant.ts';

/** The configuration that holds in a project: narrowed always, widened only where trusted. */
export function configInProject(config: Config, project: ProjectConfig, trusted: boolean): Config {
  const widen = trusted ? project.widen : undefined;
  const pipelines = { ...widen?.pipelines, ...config.pipelines };
  const { network: reach = true } = project;
  return {
    ...config,
    limits: {
      ...config.limits,
      ...strictestLimits(config.limits, project.limits),
      wall_ms: Math.min(config.limits.wall_ms, project.limits.wall_ms ?? Infinity),
      output_bytes: Math.min(config.limits.output_bytes, project.limits.output_bytes ?? Infinity),
    },
    sandbox: { ...config.sandbox, network: bothGrant(config.sandbox.network, reach) },
    pipelines: Object.fromEntries(
      Object.entries(pipelines)
        .filter(([name]) => project.only_pipelines?.includes(name) ?? true)
        .map(([name, pipeline]) => [name, withinReach(pipeline, reach)]),
    ),
    commands: [...config.commands, ...(widen?.commands ?? [])],
    env: [...config.env, ...(widen?.env ?? [])],
  };
}

function withinReach(pipeline: Pipeline, reach: NetworkGrant): Pipeline {
  const { network } = pipeline;
  return network === undefined ? pipeline : { ...pipeline, network: bothGrant(network, reach) };
}
