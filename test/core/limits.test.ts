import { describe, expect, it } from 'vitest';
import {
  askedLimits,
  boundsElsewhere,
  layersOfLimits,
  limitFix,
  limitOfEnd,
  limitsNote,
  planLimits,
  reachedLimit,
  reachedWords,
  strictestLimits,
  type Bounds,
} from '../../core/limits.ts';
import { config } from '../../schemas/config.ts';
import { limitLayers, runLimits, type LimitState } from '../../schemas/limits.ts';
import { pipeline } from '../../schemas/pipeline.ts';

const stages = [{ name: 'go', engine: 'command', argv: ['/bin/true'] }];

describe('what is asked', () => {
  it('is the strictest of run, pipeline and configuration', () => {
    const asked = askedLimits(
      config.parse({ limits: { memory_bytes: 2 ** 30, processes: 10 } }),
      pipeline.parse({ stages, limits: { memory_bytes: 2 ** 29, cpu_ms: 500 } }),
      { limits: { processes: 20, cpu_cores: 0.5 } },
    );
    expect(asked).toEqual({ memory_bytes: 2 ** 29, processes: 10, cpu_ms: 500, cpu_cores: 0.5 });
  });

  it('is nothing by default', () => {
    expect(askedLimits(config.parse({}), pipeline.parse({ stages }), {})).toBeUndefined();
    expect(strictestLimits(undefined, {})).toEqual({});
  });

  it('names a layer for each limit', () => {
    const all = { memory_bytes: 1, cpu_ms: 1, cpu_cores: 1, processes: 1, disk_bytes: 1, open_files: 1 };
    expect(layersOfLimits(all)).toEqual([...limitLayers]);
    expect(Object.keys(all)).toEqual(Object.keys(runLimits.shape));
  });
});

describe('what is not enforced', () => {
  const states: LimitState[] = [
    { layer: 'memory', state: 'enforced' },
    { layer: 'cpu', state: 'degraded', why: 'only looked at in /proc; no cgroup can be made: EACCES' },
    { layer: 'disk', state: 'degraded', why: 'added up' },
    { layer: 'files', state: 'missing', why: 'a process went beyond it' },
  ];

  it('is refused with a fix, each time', () => {
    const refused = { code: 'SANDBOX_UNAVAILABLE' };
    expect(planLimits({ memory_bytes: 1 }, states, [])).toEqual([]);
    for (const limits of [{ cpu_ms: 1 }, { disk_bytes: 1 }, { open_files: 1 }, { processes: 1 }])
      expect(() => planLimits(limits, states, ['memory'])).toThrow(expect.objectContaining(refused));
    expect(() => planLimits({ cpu_ms: 1 }, states, [])).toThrow(/cpu is degraded \(only looked at/);
    expect(() => planLimits({ processes: 1 }, states, [])).toThrow(/never tried/);
  });

  it('is gone without by leave, and told', () => {
    const without = planLimits({ cpu_ms: 1, disk_bytes: 1, memory_bytes: 1 }, states, ['cpu', 'disk']);
    expect(without.map(({ layer }) => layer)).toEqual(['cpu', 'disk']);
    expect(limitsNote(without)).toMatch(
      /^Limits: cpu degraded \(.*\), allowed; disk degraded \(added up\), allowed\.$/,
    );
  });

  it('has a fix that fits', () => {
    const fixes = states.slice(1).map(limitFix);
    expect(fixes[0]).toMatch(/Delegate=yes.*"cpu"/);
    expect(fixes[1]).toMatch(/"disk"/);
    expect(fixes[2]).toMatch(/doctor.*"files"/);
    expect(limitFix({ layer: 'memory', state: 'missing' })).toMatch(/doctor/);
  });
});

describe('the limit that was reached', () => {
  const limits = { memory_bytes: 100, cpu_ms: 100, processes: 5, disk_bytes: 100, open_files: 10 };

  it.each([
    [{ memoryKills: 1, refusedProcesses: 1 }, 'memory'],
    [{ memoryBytes: 100 }, 'memory'],
    [{ refusedProcesses: 1, cpuMs: 200 }, 'processes'],
    [{ processes: 6 }, 'processes'],
    [{ cpuMs: 100 }, 'cpu'],
    [{ diskBytes: 100 }, 'disk'],
    [{ openFiles: 10 }, 'files'],
    [{ memoryBytes: 99, processes: 5, cpuMs: 99, diskBytes: 99, openFiles: 9, memoryKills: 0 }, undefined],
    [{}, undefined],
  ] as const)('of %j is %s', (counted, which) => {
    expect(reachedLimit(limits, counted)).toBe(which);
  });

  it('is none where there is none', () => {
    expect(
      reachedLimit({}, { memoryBytes: 9, processes: 9, cpuMs: 9, diskBytes: 9, openFiles: 9 }),
    ).toBeUndefined();
  });

  it.each([
    [{ kind: 'signal', signal: 'SIGXCPU' }, 'cpu'],
    [{ kind: 'exit', code: 152 }, 'cpu'],
    [{ kind: 'signal', signal: 'SIGXFSZ' }, 'disk'],
    [{ kind: 'exit', code: 153 }, 'disk'],
    [{ kind: 'exit', code: 1 }, undefined],
    [{ kind: 'signal', signal: 'SIGKILL' }, undefined],
    [{ kind: 'spawn' }, undefined],
  ] as const)('by %j is %s', (end, which) => {
    expect(limitOfEnd(limits, end, {})).toBe(which);
    expect(limitOfEnd(limits, end, { cpuMs: 100 })).toBe(which);
    // It has bounded itself.
    expect(limitOfEnd(limits, end, { cpuMs: 99 })).toBe(which === 'cpu' ? undefined : which);
    expect(limitOfEnd({}, end, {})).toBeUndefined();
  });

  it('is told with its value', () => {
    expect(reachedWords('memory', { memory_bytes: 64 })).toBe('It has reached its limit: memory_bytes 64.');
    expect(reachedWords('memory')).toBe('It has reached a limit: memory.');
    expect(reachedWords('wall', {})).toBe('It has reached a limit: wall.');
  });
});

describe('what a worker elsewhere is asked to hold a run to', () => {
  const ours = config.parse({
    limits: { wall_ms: 5_000, output_bytes: 5_000, memory_bytes: 2 ** 24, processes: 9 },
  });
  const ask = (spec: Bounds, signed: object = {}) =>
    boundsElsewhere(ours, { limits: { open_files: 20 } }, spec, {
      wall_ms: 9_000,
      output_bytes: 9_000,
      ...signed,
    });

  it('is what we are stricter in', () => {
    const limits = { memory_bytes: 2 ** 24, processes: 9, open_files: 20 };
    expect(ask({})).toEqual({ wall_ms: 5_000, output_bytes: 5_000, limits });
    const theirs = {
      wall_ms: 5_000,
      output_bytes: 100,
      memory_bytes: 2 ** 23,
      processes: 10,
      open_files: 20,
    };
    expect(ask({}, theirs)).toEqual({ limits: { processes: 9 } });
  });

  it('is no more than the run asks for', () => {
    const asked = { wall_ms: 1_000, output_bytes: 7_000, limits: { memory_bytes: 2 ** 30, processes: 2 } };
    const limits = { memory_bytes: 2 ** 24, processes: 2, open_files: 20 };
    expect(ask(asked)).toEqual({ wall_ms: 1_000, output_bytes: 5_000, limits });
    const strict = { wall_ms: 1, output_bytes: 1, memory_bytes: 1, processes: 1, open_files: 1 };
    expect(ask(asked, strict)).toEqual({ limits: { memory_bytes: 2 ** 24, processes: 2 } });
  });
});
