import { describe, expect, it } from 'vitest';
import type { Counted } from '../../../core/limits.ts';
import type { LimitLayer, RunLimits } from '../../../schemas/limits.ts';
import { holdRun } from '../../../servers/worker/limits/held-run.ts';
import type { Held, ProcessEnd, ProcessSpec, StartProcess } from '../../../servers/worker/runner/process.ts';

const spec: ProcessSpec = { argv: ['/bin/true'], cwd: '/', env: {}, stdin: 'ignore', tmpDir: '/' };
const io = { stdout: () => undefined, stderr: () => undefined };

/** A held run whose processes, counters and clock the test plays. */
function play(limits: RunLimits, without: readonly LimitLayer[] = []) {
  const told: string[] = [];
  const looks = new Set<() => void>();
  const made: RunLimits[] = [];
  const counted: Counted = {};
  const seen = { counted, kills: 0, closed: 0, pids: [process.pid] };
  const run = holdRun({
    limits,
    without: new Set(without),
    groups: {
      make: (enforced) => {
        made.push(enforced);
        const close = () => Promise.resolve(void (seen.closed += 1));
        return { folders: ['/group'], counted: () => seen.counted, pids: () => [...seen.pids], close };
      },
      close: () => Promise.resolve(),
    },
    ours: () => ({ inGroup: 1, inTree: 0 }),
    watch: { add: (look) => looks.add(look), remove: (look) => looks.delete(look) },
    onReached: (which) => told.push(which),
  });
  const held: Held[] = [];
  const start: StartProcess = (asked) => {
    if (asked.held !== undefined) held.push(asked.held);
    throw new Error('nothing is started');
  };
  const tree = {
    askToEnd: () => undefined,
    stop: () => undefined,
    continue: () => undefined,
    kill: () => Promise.resolve(void (seen.kills += 1)),
    pids: () => [...seen.pids],
    collectors: [],
  };
  const begin = (): Held => {
    expect(() => run.around(start)(spec, io)).toThrow('nothing is started');
    const [latest] = held.slice(-1);
    if (latest === undefined) throw new Error('it is not held');
    latest.began({ ...tree });
    return latest;
  };
  const look = (): void => {
    for (const one of looks) one();
  };
  return { told, looks, made, seen, run, begin, look };
}

const well: ProcessEnd = { kind: 'exit', code: 0 };

describe('a held run', () => {
  it('is ended once, all of it, by the first limit it is seen to reach', () => {
    const { told, seen, begin, look } = play({ cpu_ms: 100, processes: 5 });
    begin();
    begin();
    seen.counted = { cpuMs: 99 };
    look();
    expect({ told, kills: seen.kills }).toEqual({ told: [], kills: 0 });
    seen.counted = { cpuMs: 100 };
    look();
    seen.counted = { cpuMs: 100, refusedProcesses: 1 };
    look();
    expect({ told, kills: seen.kills }).toEqual({ told: ['cpu'], kills: 2 });
  });

  it('is looked at as long as it has processes, and once more as each ends', () => {
    const { told, looks, seen, begin } = play({ processes: 5 });
    const [one, other] = [begin(), begin()];
    one.ended(well);
    expect(looks.size).toBe(1);
    seen.counted = { refusedProcesses: 1 };
    other.ended({ kind: 'exit', code: 2 });
    expect({ told, looks: looks.size }).toEqual({ told: ['processes'], looks: 0 });
  });

  it('has ended well where it did before anybody saw it over its time', () => {
    const { told, seen, begin } = play({ cpu_ms: 100 });
    seen.counted = { cpuMs: 150 };
    begin().ended(well);
    expect(told).toEqual([]);
    begin().ended({ kind: 'exit', code: 1 });
    expect(told).toEqual(['cpu']);
  });

  it('is told by the signals of its limits', () => {
    const { told, begin } = play({ disk_bytes: 4_096 });
    begin().ended({ kind: 'signal', signal: 'SIGXFSZ' });
    expect(told).toEqual(['disk']);
  });

  it('has one cgroup for all its processes, with what the kernel enforces, until it is over', async () => {
    const { made, seen, begin, run } = play({ cpu_ms: 100, memory_bytes: 2 ** 40, open_files: 9_999 }, [
      'memory',
    ]);
    begin();
    begin();
    expect(made).toEqual([{ cpu_ms: 100, open_files: 9_999 }]);
    await run.close();
    expect(seen.closed).toBe(1);
  });

  it('is looked at in /proc for what nobody enforces', () => {
    const { told, begin, look } = play({ memory_bytes: 1_000_000 }, ['memory']);
    begin();
    look();
    expect(told).toEqual(['memory']);
  });
});
