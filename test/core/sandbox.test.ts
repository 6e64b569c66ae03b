import { describe, expect, it } from 'vitest';
import {
  askedSandbox,
  dispensable,
  holdsLayer,
  layersOf,
  planSandbox,
  sandboxFix,
  sandboxNote,
} from '../../core/sandbox.ts';
import { config as configSchema } from '../../schemas/config.ts';
import type { NetworkGrant } from '../../schemas/network.ts';
import {
  sandboxLayers,
  type LayerState,
  type SandboxLayer,
  type SandboxProfile,
} from '../../schemas/sandbox.ts';

function states(...missing: SandboxLayer[]): LayerState[] {
  return sandboxLayers.map((layer) =>
    missing.includes(layer) ? { layer, state: 'missing', why: 'no bwrap' } : { layer, state: 'enforced' },
  );
}

function asked(
  configured: SandboxProfile | undefined,
  wanted?: SandboxProfile,
  network: NetworkGrant = false,
  granted?: NetworkGrant,
) {
  const config = configSchema.parse({ sandbox: { profile: configured, network } });
  return askedSandbox(config, { sandbox: wanted, network: granted });
}

describe('what a run asks for', () => {
  it('is the stricter of configuration and pipeline', () => {
    expect(asked('off').profile).toBe('off');
    expect(asked('default', 'off').profile).toBe('default');
    expect(asked('off', 'strict').profile).toBe('strict');
    expect(asked('strict', 'default').profile).toBe('strict');
    expect(asked(undefined, 'off')).toMatchObject({ profile: 'off', byDefault: false });
    expect(asked(undefined, 'strict')).toMatchObject({ profile: 'strict', byDefault: false });
  });

  it('is `default` where neither names one, and then may go without what does not hold', () => {
    const config = configSchema.parse({ sandbox: { allow_degraded: ['system_calls'] } });
    const byDefault = asked(undefined);
    expect(byDefault).toMatchObject({ profile: 'default', byDefault: true });
    expect(dispensable(byDefault, config)).toEqual(layersOf.default);
    expect(dispensable(asked('default'), config)).toEqual(['system_calls']);
    const plan = planSandbox('default', states('processes'), dispensable(byDefault, config));
    expect(sandboxNote(byDefault, plan)).toContain('processes missing (no bwrap), not asked for');
  });

  it('has the network where either grants it', () => {
    expect(asked('default').network).toBe(false);
    expect(asked('default', undefined, true).network).toBe(true);
    expect(asked('default', undefined, false, true).network).toBe(true);
    expect(asked('default', undefined, ['a.test']).network).toEqual(['a.test']);
    expect(asked('default', undefined, ['a.test'], ['b.test']).network).toEqual(['a.test', 'b.test']);
    expect(asked('default', undefined, ['a.test'], true).network).toBe(true);
  });
});

describe('a plan', () => {
  it('is the profile itself where all of it is enforced', () => {
    expect(planSandbox('strict', states(), [])).toEqual({ profile: 'strict', without: [] });
    expect(planSandbox('default', states('system_calls'), [])).toEqual({ profile: 'default', without: [] });
    expect(planSandbox('off', [], [])).toEqual({ profile: 'off', without: [] });
  });

  it.each(layersOf.strict)('is refused where %s is not enforced, with a fix', (layer) => {
    expect(() => planSandbox('strict', states(layer), [])).toThrow(
      expect.objectContaining({
        code: 'SANDBOX_UNAVAILABLE',
        message: expect.stringContaining(layer),
        next: expect.stringContaining('bubblewrap'),
      }),
    );
  });

  it('is refused where nothing was ever tried', () => {
    expect(() => planSandbox('default', [], [])).toThrow(
      expect.objectContaining({ code: 'SANDBOX_UNAVAILABLE' }),
    );
  });

  it('goes without what the configuration allows, and no further', () => {
    const plan = planSandbox('strict', states('system_calls'), ['system_calls']);
    expect(plan.profile).toBe('strict');
    expect(plan.without).toEqual([{ layer: 'system_calls', state: 'missing', why: 'no bwrap' }]);
    expect(() => planSandbox('strict', states('network', 'system_calls'), ['network'])).toThrow();
  });

  it('holds a run to the rest, unless all files are seen', () => {
    const plan = planSandbox('strict', states('system_calls', 'network'), ['system_calls', 'network']);
    const held = layersOf.strict.filter((layer) => holdsLayer(plan, layer));
    expect(held).toEqual(['filesystem', 'processes', 'privileges']);
    const open = planSandbox('default', states('filesystem'), ['filesystem']);
    expect(open.profile).toBe('off');
    expect(layersOf.strict.filter((layer) => holdsLayer(open, layer))).toEqual([]);
    const inPart: LayerState[] = [
      { layer: 'filesystem', state: 'degraded', why: 'old' },
      ...states().slice(1),
    ];
    expect(() => planSandbox('default', inPart, [])).toThrow(
      expect.objectContaining({ next: expect.stringContaining('Or name "filesystem" in') }),
    );
    const less = planSandbox('default', inPart, ['filesystem']);
    expect({ ...less, holds: holdsLayer(less, 'filesystem') }).toMatchObject({
      profile: 'default',
      holds: true,
    });
  });
});

describe('what a manifest says', () => {
  it('names what is enforced, granted and gone without', () => {
    const whole = planSandbox('default', states(), []);
    expect(sandboxNote(asked('default'), whole)).toBe(
      'Sandbox default: enforced filesystem, network, processes, privileges.',
    );
    expect(sandboxNote(asked('default', undefined, true), whole)).toBe(
      'Sandbox default: enforced filesystem, processes, privileges; network granted.',
    );
    const less = planSandbox('default', states('network'), ['network']);
    expect(sandboxNote(asked('default'), less)).toBe(
      'Sandbox default: enforced filesystem, processes, privileges; network missing (no bwrap), allowed.',
    );
    const none = planSandbox('default', states(...layersOf.default), [...layersOf.default]);
    expect(sandboxNote(asked('default'), none)).toContain('enforced nothing; filesystem missing');
  });
});

describe('a fix', () => {
  it.each([
    ['no setpriv found', 'apt install'],
    ['a process group hides nothing from a run', 'apt install'],
    ['bwrap: Creating new namespace failed', 'sysctl'],
    ['ENOSPC: no space left on device, write', 'disk space'],
    ['something else', 'doctor'],
  ])('of "%s" names %s', (why, fix) => {
    expect(sandboxFix(why)).toContain(fix);
  });
});
