import { z } from 'zod';

/** What a run's commands can reach, the weakest first. */
export const sandboxProfiles = ['off', 'default', 'strict'] as const;
export const sandboxProfile = z.enum(sandboxProfiles);
export type SandboxProfile = z.infer<typeof sandboxProfile>;

/** What a profile is made of. */
export const sandboxLayers = ['filesystem', 'network', 'processes', 'privileges', 'system_calls'] as const;
export const sandboxLayer = z.enum(sandboxLayers);
export type SandboxLayer = z.infer<typeof sandboxLayer>;

/** What became of one layer where it was really tried. */
export const layerState = z.strictObject({
  layer: sandboxLayer,
  state: z.enum(['enforced', 'degraded', 'missing']),
  why: z.string().optional(),
});
export type LayerState = z.infer<typeof layerState>;

/** Whether a list of network hosts was held to where it was really tried. */
export const hostsState = layerState.extend({ layer: z.literal('hosts') });
export type HostsState = z.infer<typeof hostsState>;

/** No step up: what a path names is below what it begins with. */
const withoutStepsUp = /^(?!(?:.*\/)?\.\.(?:\/|$))[^\0]+$/;
export const absolutePath = z.string().startsWith('/').max(4096).regex(withoutStepsUp);
/** Absolute, or below the folder a run works in. */
export const scopedPath = z.string().max(4096).regex(withoutStepsUp);

/** What commands of a pipeline can reach besides, or less. */
export const sandboxScope = z.strictObject({
  profile: sandboxProfile.optional(),
  write: z.array(scopedPath).max(64).default([]),
  read: z.array(scopedPath).max(64).default([]),
  hide: z.array(scopedPath).max(64).default([]),
});
export type SandboxScope = z.infer<typeof sandboxScope>;
