import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policies } from '../../coordinator/policies/index.ts';
import { newPace, tookToBegin, tookToRun, workedIn } from '../../core/pace.ts';
import {
  isHopeless,
  needOf,
  poolOf,
  refusal,
  unableReasons,
  type Candidate,
  type Need,
  type Policy,
  type RunToPlace,
} from '../../core/placement.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { pipeline } from '../../schemas/pipeline.ts';

const { 'least-loaded': leastLoaded, 'round-robin': roundRobin } = policies;
const leastExpected = policies['least-expected-completion'];

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
    labels: new Set(),
    pace: newPace(),
    slowdown: 1,
    ...more,
  };
}

const need: Need = {
  pipeline: 'p',
  engines: ['command'],
  worker_id: undefined,
  in_project: false,
  labels: [],
};
const about: RunToPlace = { cwd: '/', estimate_ms: undefined, turn: 0 };

function place(policy: Policy, workers: readonly Candidate[], run = about, wanted = need) {
  return policy.place(poolOf(wanted, workers), run);
}

describe('whether a worker can take a run', () => {
  it.each<[string, Partial<Candidate>, Partial<Need>, string | undefined]>([
    ['idle', {}, {}, undefined],
    ['starting', { state: 'starting' }, {}, 'starting'],
    ['down', { state: 'down' }, {}, 'down'],
    ['draining', { state: 'draining' }, {}, 'draining'],
    ['full', { busy: 4 }, {}, undefined],
    ['without the label', {}, { labels: ['gpu'] }, 'not labelled gpu'],
    ['with the label', { labels: new Set(['gpu']) }, { labels: ['gpu'] }, undefined],
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
    const config = configSchema.parse({});
    const recipes = { config, configured: { mixed }, here: { mixed } };
    expect(needOf(spec, recipes, undefined)).toMatchObject({
      engines: ['command', 'codex'],
      in_project: false,
    });
    expect(needOf({ ...spec, stages: ['c'] }, recipes, 'w').engines).toEqual(['command']);
    expect(needOf(spec, { config, configured: {}, here: { mixed } }, undefined).in_project).toBe(true);
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
    expect(place(leastLoaded, workers)).toEqual({
      worker_id: 'b',
      policy: 'least-loaded',
      why: '1 of 4 slots in use',
      next: ['a', 'c', 'd'].map((id) => ({
        worker_id: id,
        why: `${id === 'a' ? '2' : '3'} of 4 slots in use`,
      })),
      rejected: { 'no free slot': 1, down: 1, 'ranked lower': 1 },
    });
    expect(place(leastLoaded, workers.slice(5))).toBe(undefined);
  });

  it('goes by share of slots, then by how many are free', () => {
    expect(
      place(leastLoaded, [worker('small', { slots: 2 }), worker('large', { slots: 8 })])?.worker_id,
    ).toBe('large');
    expect(
      place(leastLoaded, [worker('a', { slots: 2, busy: 1 }), worker('b', { slots: 8, busy: 3 })])?.worker_id,
    ).toBe('b');
  });

  it('never exceeds slots, and uses all of them', () => {
    const slots = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(slots, fc.integer({ min: 0, max: 60 }), (sizes, runs) => {
        const workers = sizes.map((size, at) => worker(`w${String(at)}`, { slots: size }));
        let placed = 0;
        for (let n = 0; n < runs; n++) {
          const chosen = workers.find((one) => one.worker_id === place(leastLoaded, workers)?.worker_id);
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

describe('round robin', () => {
  it('takes each in turn, and passes over those that are full', () => {
    const workers = [worker('a'), worker('b', { busy: 4 }), worker('c')];
    const chosen = [0, 1, 2, 3].map((turn) => place(roundRobin, workers, { ...about, turn })?.worker_id);
    expect(chosen).toEqual(['a', 'c', 'c', 'a']);
  });
});

describe('least expected completion', () => {
  const paced = (slowness: number, latency_ms = 0) => ({ pace: { ...newPace(), slowness, latency_ms } });

  it('prefers who will be done first, and says when', () => {
    const workers = [worker('slow', paced(2)), worker('fast', { ...paced(0.5), busy: 3 })];
    expect(place(leastExpected, workers, { ...about, estimate_ms: 8_000 })).toMatchObject({
      worker_id: 'fast',
      why: 'done in 4.00 s, 3 of 4 slots in use',
      next: [{ worker_id: 'slow', why: 'done in 16.0 s, 0 of 4 slots in use' }],
    });
  });

  it('keeps from hosts that are hard-pressed while there are others', () => {
    const workers = [worker('pressed', { slowdown: 3 }), worker('remote', paced(2))];
    expect(place(leastExpected, workers, { ...about, estimate_ms: 1_000 })).toMatchObject({
      worker_id: 'remote',
      next: [{ worker_id: 'pressed', why: 'done in 3.00 s, 0 of 4 slots in use' }],
    });
  });

  it('counts the way there for short runs', () => {
    const workers = [worker('near', paced(1.5, 1)), worker('far', paced(1, 400))];
    const chosen = (ms: number) => place(leastExpected, workers, { ...about, estimate_ms: ms })?.worker_id;
    expect(chosen(100)).toBe('near');
    expect(chosen(60_000)).toBe('far');
  });

  it('goes back to where a folder was read lately, but not at any price', () => {
    const pace = { ...newPace(), slowness: 1.02 };
    workedIn(pace, '/repo');
    const warm = worker('warm', { pace });
    const run = { ...about, cwd: '/repo' };
    expect(place(leastExpected, [worker('a'), warm], run)?.worker_id).toBe('warm');
    expect(place(leastExpected, [worker('a'), warm])?.worker_id).toBe('a');
    pace.slowness = 1.2;
    expect(place(leastExpected, [worker('a'), warm], run)?.worker_id).toBe('a');
  });
});

describe('labels', () => {
  it('are kept free for those who ask for them', () => {
    const gpu = worker('gpu', { labels: new Set(['gpu']), pace: { ...newPace(), slowness: 0.1 } });
    for (const policy of Object.values(policies)) {
      expect(place(policy, [gpu, worker('plain')])?.worker_id).toBe('plain');
      expect(place(policy, [gpu, worker('plain', { busy: 4 })])?.worker_id).toBe('gpu');
      expect(place(policy, [gpu, worker('plain')], about, { ...need, labels: ['gpu'] })).toMatchObject({
        worker_id: 'gpu',
        rejected: { 'not labelled gpu': 1 },
      });
    }
  });
});

describe('the pace of a worker', () => {
  it('follows what was measured, and not one odd run', () => {
    const pace = newPace();
    tookToBegin(pace, 10);
    tookToBegin(pace, 20);
    expect(pace.latency_ms).toBe(12);
    tookToRun(pace, 1e9, 1);
    expect(pace.slowness).toBeLessThan(2);
    for (let n = 0; n < 40; n++) tookToRun(pace, 3_000, 1_000);
    expect(pace.slowness).toBeCloseTo(3, 1);
    for (let n = 0; n < 40; n++) workedIn(pace, `/${String(n)}`);
    expect([pace.warm.size, pace.warm.has('/39'), pace.warm.has('/0')]).toEqual([32, true, false]);
  });
});
