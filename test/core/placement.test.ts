import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leastLoaded } from '../../coordinator/policies/least-loaded.ts';
import {
  isHopeless,
  needOf,
  refusal,
  unableReasons,
  type Candidate,
  type Need,
} from '../../core/placement.ts';
import { pipeline } from '../../schemas/pipeline.ts';

function worker(id: string, more: Partial<Candidate> = {}): Candidate {
  return {
    worker_id: id,
    state: 'up',
    slots: 4,
    busy: 0,
    engines: new Set(['command']),
    pipelines: new Set(['p']),
    local: true,
    settled: true,
    retired: false,
    ...more,
  };
}

const need: Need = { pipeline: 'p', engines: ['command'], worker_id: undefined, in_project: false };

describe('whether a worker can take a run', () => {
  it.each<[string, Partial<Candidate>, Partial<Need>, string | undefined]>([
    ['idle', {}, {}, undefined],
    ['starting', { state: 'starting' }, {}, 'starting'],
    ['down', { state: 'down' }, {}, 'down'],
    ['draining', { state: 'draining' }, {}, 'draining'],
    ['full', { busy: 4 }, {}, 'no free slot'],
    ['without the engine', {}, { engines: ['codex'] }, 'no codex'],
    ['without the pipeline', { pipelines: new Set(['q']) }, {}, 'pipeline unknown'],
    ["a project's own on this machine", { pipelines: new Set(['q']) }, { in_project: true }, undefined],
    ["a project's own elsewhere", { local: false }, { in_project: true }, 'pipeline unknown'],
    ['not the one with the thread', {}, { worker_id: 'w2' }, 'thread is elsewhere'],
    ['the one with the thread', {}, { worker_id: 'w1' }, undefined],
    ['retired', { retired: true }, {}, 'draining'],
    ['retired, with the thread', { retired: true }, { worker_id: 'w1' }, undefined],
    ['with the stand-in of codex', { engines: new Set(['codex-exec']) }, { engines: ['codex'] }, undefined],
  ])('%s', (_name, more, wanted, reason) => {
    expect(refusal({ ...need, ...wanted }, worker('w1', more))).toBe(reason);
  });

  it('is hopeless only where every worker is known and none ever could', () => {
    const codex: Need = { ...need, engines: ['codex'] };
    expect(isHopeless(codex, [])).toBe(false);
    expect(isHopeless(codex, [worker('a'), worker('b', { state: 'down' })])).toBe(true);
    expect(isHopeless(codex, [worker('a'), worker('b', { settled: false })])).toBe(false);
    expect(isHopeless(need, [worker('a', { busy: 4 })])).toBe(false);
    expect(unableReasons(codex, [worker('a'), worker('b', { pipelines: new Set() })])).toEqual([
      'no codex',
      'pipeline unknown',
    ]);
  });
});

describe('what a run needs', () => {
  it('are the engines of the stages it goes through', () => {
    const mixed = pipeline.parse({
      stages: [
        { name: 'a', engine: 'command', argv: ['x'] },
        { name: 'b', engine: 'codex' },
        { name: 'c', engine: 'command', argv: ['y'] },
      ],
    });
    const spec = { pipeline: 'mixed', task_id: 't', cwd: '/', inputs: {}, ask: false, depth: 0 };
    const recipes = { configured: { mixed }, here: { mixed } };
    expect(needOf(spec, recipes, undefined)).toMatchObject({
      engines: ['command', 'codex'],
      in_project: false,
    });
    expect(needOf({ ...spec, stages: ['c'] }, recipes, 'w').engines).toEqual(['command']);
    expect(needOf(spec, { configured: {}, here: { mixed } }, undefined).in_project).toBe(true);
    expect(needOf({ ...spec, pipeline: 'constructor' }, recipes, undefined).engines).toEqual([]);
  });
});

describe('least loaded', () => {
  it('names the chosen one, the next three, and counts the rest by reason', () => {
    const workers = [
      worker('a', { busy: 2 }),
      worker('b', { busy: 1 }),
      worker('c', { busy: 3 }),
      worker('d', { busy: 3 }),
      worker('e', { busy: 3 }),
      worker('f', { busy: 4 }),
      worker('g', { state: 'down' }),
    ];
    expect(leastLoaded.place(need, workers)).toEqual({
      worker_id: 'b',
      policy: 'least-loaded',
      why: '1 of 4 slots in use',
      next: ['a', 'c', 'd'].map((id) => ({
        worker_id: id,
        why: `${id === 'a' ? '2' : '3'} of 4 slots in use`,
      })),
      rejected: { 'no free slot': 1, down: 1, 'ranked lower': 1 },
    });
    expect(leastLoaded.place(need, workers.slice(5))).toBe(undefined);
  });

  it('goes by share of slots, then by how many are free', () => {
    expect(
      leastLoaded.place(need, [worker('small', { slots: 2 }), worker('large', { slots: 8 })])?.worker_id,
    ).toBe('large');
    expect(
      leastLoaded.place(need, [worker('a', { slots: 2, busy: 1 }), worker('b', { slots: 8, busy: 3 })])
        ?.worker_id,
    ).toBe('b');
  });

  it('never exceeds slots, and uses all of them', () => {
    const slots = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(slots, fc.integer({ min: 0, max: 60 }), (sizes, runs) => {
        const workers = sizes.map((size, at) => worker(`w${String(at)}`, { slots: size }));
        let placed = 0;
        for (let n = 0; n < runs; n++) {
          const chosen = workers.find((one) => one.worker_id === leastLoaded.place(need, workers)?.worker_id);
          if (chosen === undefined) continue;
          chosen.busy++;
          placed++;
        }
        for (const one of workers) expect(one.busy).toBeLessThanOrEqual(one.slots);
        expect(placed).toBe(
          Math.min(
            runs,
            sizes.reduce((sum, size) => sum + size, 0),
          ),
        );
      }),
    );
  });
});
