import type { Config } from '../../schemas/config.ts';
import type { SignedScope } from '../../schemas/descriptor.ts';
import type { NetworkGrant } from '../../schemas/network.ts';
import type { Pipeline } from '../../schemas/pipeline.ts';
import { sandboxProfiles, type SandboxLayer, type SandboxProfile } from '../../schemas/sandbox.ts';
import { contains } from '../cwd-rule.ts';
import { eitherGrant, grantsNoMore } from '../network-grant.ts';
import { askedSandbox, dispensable, layersOf, scopeOf, strictestProfile } from '../sandbox.ts';

/** What is asked of a worker elsewhere that is to run commands. */
export interface AskedScope extends SignedScope {
  layers: readonly SandboxLayer[];
}

/** The most that commands of any pipeline reach under a configuration. */
export function widestScope(config: Pick<Config, 'sandbox' | 'pipelines'>): SignedScope {
  const pipelines = Object.values(config.pipelines).filter(runsCommands);
  const asked = pipelines.map((pipeline) => askedSandbox(config, pipeline));
  const profiles = new Set(asked.map(({ profile }) => profile));
  return {
    profile: sandboxProfiles.find((name) => profiles.has(name)) ?? 'strict',
    network: asked.reduce<NetworkGrant>((sum, { network }) => eitherGrant(sum, network), false),
    write: [...config.sandbox.write, ...pipelines.flatMap((pipeline) => scopeOf(pipeline).write ?? [])],
    read: [...config.sandbox.read, ...pipelines.flatMap((pipeline) => scopeOf(pipeline).read ?? [])],
  };
}

/** What a worker elsewhere has to keep to; undefined where nobody has asked for a sandbox. */
export function scopeAsked(
  config: Pick<Config, 'sandbox'>,
  pipeline: Pipeline | undefined,
): AskedScope | undefined {
  if (pipeline === undefined || !runsCommands(pipeline)) return undefined;
  // Looked at for every run: most ask for none.
  const profile = strictestProfile([config.sandbox.profile, scopeOf(pipeline).profile]);
  if (profile === undefined || profile === 'off') return undefined;
  const asked = askedSandbox(config, pipeline);
  const without = dispensable(asked, config);
  const own = scopeOf(pipeline);
  return {
    profile: asked.profile,
    layers: layersOf[asked.profile].filter((layer) => !without.includes(layer)),
    network: asked.network,
    write: [...config.sandbox.write, ...(own.write ?? [])],
    read: [...config.sandbox.read, ...(own.read ?? [])],
  };
}

/** Whether what a worker has signed keeps to what is asked: it holds all layers, and opens nothing more. */
export function keepsTo(signed: SignedScope, enforced: readonly string[], asked: AskedScope): boolean {
  return (
    rank(signed.profile) >= rank(asked.profile) &&
    asked.layers.every((layer) => enforced.includes(layer)) &&
    grantsNoMore(signed.network, asked.network) &&
    signed.write.every((path) => asked.write.some((place) => contains(place, path))) &&
    signed.read.every((path) => [...asked.read, ...asked.write].some((place) => contains(place, path)))
  );
}

function runsCommands({ stages }: Pipeline): boolean {
  return stages.some((stage) => stage.engine === 'command');
}

function rank(profile: SandboxProfile): number {
  return sandboxProfiles.indexOf(profile);
}
