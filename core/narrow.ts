import type { Config } from '../schemas/config.ts';
import type { NetworkGrant } from '../schemas/network.ts';
import type { Pipeline } from '../schemas/pipeline.ts';
import type { ProjectConfig } from '../schemas/project.ts';
import { contains } from './cwd-rule.ts';
import { strictestLimits } from './limits.ts';
import { bothGrant } from './network-grant.ts';
import { strictestProfile } from './sandbox.ts';

/** Where a project's file counts. */
export interface InProject {
  /** The user trusts the file as it stands. */
  trusted: boolean;
  /** The folder of the file. */
  top: string;
  /** The folder of the run. */
  cwd: string;
  /** A path as it is without links, or as it stands where there is none. */
  real(path: string): string;
}

/** The configuration that holds in a project: narrowed always, widened only where trusted. */
export function configInProject(config: Config, project: ProjectConfig, at: InProject): Config {
  const widen = at.trusted ? project.widen : undefined;
  const pipelines = { ...widen?.pipelines, ...config.pipelines };
  const { network: reach = true } = project;
  const hidden = project.sandbox.hide.map((path) => absolute(path, at.top));
  const isOpen = (path: string): boolean => {
    const opened = absolute(path, at.cwd);
    return !hidden.some((place) => contains(place, opened) || contains(at.real(place), at.real(opened)));
  };
  return {
    ...config,
    limits: {
      ...config.limits,
      ...strictestLimits(config.limits, project.limits),
      wall_ms: Math.min(config.limits.wall_ms, project.limits.wall_ms ?? Infinity),
      output_bytes: Math.min(config.limits.output_bytes, project.limits.output_bytes ?? Infinity),
    },
    sandbox: {
      ...config.sandbox,
      profile: strictestProfile([config.sandbox.profile, ...profilesOf(project)]),
      network: bothGrant(config.sandbox.network, reach),
      write: config.sandbox.write.filter(isOpen),
      read: config.sandbox.read.filter(isOpen),
      hide: [...config.sandbox.hide, ...hidden],
    },
    pipelines: Object.fromEntries(
      Object.entries(pipelines)
        .filter(([name]) => project.only_pipelines?.includes(name) ?? true)
        .map(([name, pipeline]) => [name, withinReach(pipeline, reach, isOpen)]),
    ),
    commands: [...config.commands, ...(widen?.commands ?? [])],
    env: [...config.env, ...(widen?.env ?? [])],
  };
}

/** What is to be kept from commands has to be held; to ask for nothing narrows nothing. */
function profilesOf({ sandbox, network = true }: ProjectConfig): Config['sandbox']['profile'][] {
  const asks = network !== true || sandbox.hide.length > 0;
  return [sandbox.profile === 'off' ? undefined : sandbox.profile, asks ? 'default' : undefined];
}

function withinReach(pipeline: Pipeline, reach: NetworkGrant, isOpen: (path: string) => boolean): Pipeline {
  const { network, sandbox } = pipeline;
  return {
    ...pipeline,
    ...(network !== undefined && { network: bothGrant(network, reach) }),
    ...(typeof sandbox === 'object' && {
      sandbox: { ...sandbox, write: sandbox.write.filter(isOpen), read: sandbox.read.filter(isOpen) },
    }),
  };
}

function absolute(path: string, folder: string): string {
  return path.startsWith('/') ? path : `${folder}/${path}`;
}
