import type { Config } from '../schemas/config.ts';
import type { NetworkGrant } from '../schemas/network.ts';
import type { Pipeline } from '../schemas/pipeline.ts';
import {
  sandboxProfiles,
  type LayerState,
  type SandboxLayer,
  type SandboxProfile,
  type SandboxScope,
} from '../schemas/sandbox.ts';
import { FleetError } from './errors.ts';
import { eitherGrant } from './network-grant.ts';

/** Layers each profile is made of. */
export const layersOf: Readonly<Record<SandboxProfile, readonly SandboxLayer[]>> = {
  off: [],
  default: ['filesystem', 'network', 'processes', 'privileges'],
  strict: ['filesystem', 'network', 'processes', 'privileges', 'system_calls'],
};

export interface AskedSandbox {
  profile: SandboxProfile;
  /** Nobody asked for it: what of it does not hold here, a run goes without, and says so. */
  byDefault: boolean;
  /** Hosts where it is a list. */
  network: NetworkGrant;
}

/**
 * The stricter profile of configuration and pipeline, `default` where neither names one; of the network
 * what either grants.
 */
export function askedSandbox(
  { sandbox }: Pick<Config, 'sandbox'>,
  pipeline: Pick<Pipeline, 'sandbox' | 'network'>,
): AskedSandbox {
  const profile = strictestProfile([sandbox.profile, scopeOf(pipeline).profile]);
  return {
    profile: profile ?? 'default',
    byDefault: profile === undefined,
    network: eitherGrant(sandbox.network, pipeline.network ?? false),
  };
}

export function strictestProfile(
  wanted: readonly (SandboxProfile | undefined)[],
): SandboxProfile | undefined {
  return sandboxProfiles.findLast((name) => wanted.includes(name));
}

/** What a pipeline says of its commands; what it hides is to be hidden. */
export function scopeOf({ sandbox }: Pick<Pipeline, 'sandbox'>): Partial<SandboxScope> {
  if (typeof sandbox !== 'object') return { profile: sandbox };
  const { profile, hide } = sandbox;
  return profile === undefined && hide.length > 0 ? { ...sandbox, profile: 'default' } : sandbox;
}

/** Layers such a run may go without. */
export function dispensable(
  { byDefault }: AskedSandbox,
  { sandbox }: Pick<Config, 'sandbox'>,
): readonly SandboxLayer[] {
  return byDefault ? layersOf.default : sandbox.allow_degraded;
}

/** How a profile is held to here. */
export interface SandboxPlan {
  /** What was asked for; `off` where a run would see all files anyway. */
  profile: SandboxProfile;
  /** Of its layers those gone without, or with less, by leave of the configuration. */
  without: LayerState[];
}

/**
 * What a run that asks for `profile` gets. SANDBOX_UNAVAILABLE where a layer of it is not enforced here
 * and not in `allowed`: no run is weaker than it was asked to be without anybody having said so.
 */
export function planSandbox(
  profile: SandboxProfile,
  states: readonly LayerState[],
  allowed: readonly SandboxLayer[],
): SandboxPlan {
  const without = layersOf[profile].flatMap((layer) => {
    const state = states.find((one) => one.layer === layer) ?? {
      layer,
      state: 'missing',
      why: 'never tried',
    };
    return state.state === 'enforced' ? [] : [state];
  });
  const refused = without.filter(({ layer }) => !allowed.includes(layer));
  const [first] = refused;
  if (first !== undefined) {
    const names = refused.map(({ layer }) => layer).join(', ');
    throw new FleetError(
      'SANDBOX_UNAVAILABLE',
      `The sandbox "${profile}" does not hold here (${names}): ${first.why ?? first.state}.`,
      { next: [sandboxFix(first.why ?? ''), ...leaveFor(refused)].join(' ') },
    );
  }
  const hidesNothing = without.some(({ layer, state }) => layer === 'filesystem' && state === 'missing');
  return { profile: hidesNothing ? 'off' : profile, without };
}

/** Whether a run is held to that layer, if only in part. */
export function holdsLayer({ profile, without }: SandboxPlan, layer: SandboxLayer): boolean {
  const isMissing = without.some((state) => state.layer === layer && state.state === 'missing');
  return layersOf[profile].includes(layer) && !isMissing;
}

/** Where something holds all the same, it may be enough. */
function leaveFor(refused: readonly LayerState[]): string[] {
  if (refused.some(({ state }) => state === 'missing')) return [];
  const names = refused.map(({ layer }) => `"${layer}"`).join(', ');
  return [`Or name ${names} in "sandbox.allow_degraded".`];
}

/** The fix that fits what was said when a layer could not start. */
export function sandboxFix(why: string): string {
  if (/no bwrap|no setpriv|namespace is not used|hides nothing/.test(why)) {
    return 'Install bubblewrap and util-linux (`apt install bubblewrap util-linux`) and leave "reaping" at "auto".';
  }
  if (/namespace|uid map|RTM_NEWADDR|Operation not permitted/.test(why)) {
    return 'Allow user namespaces: `sudo sysctl user.max_user_namespaces=15000 kernel.apparmor_restrict_unprivileged_userns=0`.';
  }
  if (/ENOSPC|EDQUOT/.test(why)) return 'Free disk space for the state folder.';
  return 'Mend that, which `codex-fleet doctor` tries again, or name the layer in "sandbox.allow_degraded".';
}

const maxHostsTold = 4;

/** What a manifest says of a run's sandbox. */
export function sandboxNote(asked: AskedSandbox, plan: SandboxPlan): string {
  const isWhole = (layer: SandboxLayer): boolean => !plan.without.some((state) => state.layer === layer);
  const enforced = layersOf[plan.profile].filter(
    (layer) => isWhole(layer) && (layer !== 'network' || asked.network !== true),
  );
  const parts = [
    `Sandbox ${asked.profile}: enforced ${enforced.length === 0 ? 'nothing' : enforced.join(', ')}`,
    ...networkWords(asked.network),
    ...plan.without.map(
      ({ layer, state, why }) =>
        `${layer} ${state} (${why ?? 'unknown'}), ${asked.byDefault ? 'not asked for' : 'allowed'}`,
    ),
  ];
  return `${parts.join('; ')}.`;
}

function networkWords(network: NetworkGrant): string[] {
  if (typeof network === 'boolean') return network ? ['network granted'] : [];
  const more = network.length - maxHostsTold;
  const told = network.slice(0, maxHostsTold).join(', ');
  return [`network to ${told}${more > 0 ? ` and ${String(more)} more` : ''} by a proxy`];
}
