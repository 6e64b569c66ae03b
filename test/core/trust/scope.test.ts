import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grantsNoMore } from '../../../core/network-grant.ts';
import { keepsTo, scopeAsked, widestScope } from '../../../core/trust/scope.ts';
import { config as configSchema } from '../../../schemas/config.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import { sandboxLayers, sandboxProfiles } from '../../../schemas/sandbox.ts';

const command = [{ name: 'say', engine: 'command', argv: ['/bin/echo'] }];
const turn = [{ name: 'turn', engine: 'codex' }];

const hosts = fc.constantFrom('a.test', '*.a.test', 'b.a.test', 'a.test:8080', '10.0.0.1');
const grant = fc.oneof(fc.boolean(), fc.uniqueArray(hosts, { maxLength: 3 }));
const paths = fc.uniqueArray(fc.constantFrom('/a', '/a/b', '/c'), { maxLength: 2 });
const scopes = fc.record(
  { profile: fc.constantFrom(...sandboxProfiles), write: paths, read: paths },
  { requiredKeys: [] },
);
const configs = fc
  .record({
    sandbox: fc.record(
      { profile: fc.constantFrom(...sandboxProfiles), network: grant, write: paths, read: paths },
      { requiredKeys: [] },
    ),
    pipelines: fc.dictionary(
      fc.constantFrom('one', 'two'),
      fc.record({ stages: fc.constant(command), network: grant, sandbox: scopes }),
    ),
  })
  .map((parts) => configSchema.parse(parts));

describe('the scope of a worker', () => {
  it('is the widest of what its pipelines reach', () => {
    const config = configSchema.parse({
      sandbox: { profile: 'default', write: ['/a'] },
      pipelines: {
        one: { stages: command, sandbox: 'strict', network: ['a.test'] },
        two: { stages: command, sandbox: { read: ['/keys'], write: ['out'] } },
        none: { stages: turn, network: true },
      },
    });
    const wide = { profile: 'default', network: ['a.test'], write: ['/a', 'out'], read: ['/keys'] };
    expect(widestScope(config)).toEqual(wide);
    expect(widestScope(configSchema.parse({})).profile).toBe('strict');
  });

  it('keeps to what the same configuration asks, whatever that is', () => {
    fc.assert(
      fc.property(configs, (config) => {
        const names = Object.keys(config.pipelines);
        // A worker signs for all of its pipelines: with one there is no other to widen it.
        fc.pre(names.length === 1);
        const asked = scopeAsked(config, config.pipelines[names[0] ?? '']);
        if (asked !== undefined) expect(keepsTo(widestScope(config), sandboxLayers, asked)).toBe(true);
      }),
    );
  });

  it('is asked for only where somebody has asked for a sandbox of commands', () => {
    const plain = pipelineSchema.parse({ stages: command });
    expect(scopeAsked(configSchema.parse({}), plain)).toBeUndefined();
    expect(scopeAsked(configSchema.parse({ sandbox: { profile: 'off' } }), plain)).toBeUndefined();
    const strict = configSchema.parse({ sandbox: { profile: 'strict', allow_degraded: ['network'] } });
    expect(scopeAsked(strict, pipelineSchema.parse({ stages: turn }))).toBeUndefined();
    expect(scopeAsked(strict, undefined)).toBeUndefined();
    expect(scopeAsked(strict, plain)?.layers).toEqual([
      'filesystem',
      'processes',
      'privileges',
      'system_calls',
    ]);
  });
});

describe('a grant of the network', () => {
  it('is no more than another exactly where it lies in it', () => {
    expect(grantsNoMore(false, false)).toBe(true);
    expect(grantsNoMore(['b.a.test'], ['*.a.test'])).toBe(true);
    expect(grantsNoMore(['a.test'], ['*.a.test'])).toBe(false);
    expect(grantsNoMore(['a.test:443'], ['a.test'])).toBe(true);
    expect(grantsNoMore(['a.test'], ['a.test:443'])).toBe(false);
    expect(grantsNoMore(true, ['a.test'])).toBe(false);
    expect(grantsNoMore(['a.test'], true)).toBe(true);
  });
});
