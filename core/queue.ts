import { Heap, type HeapEntry } from './heap.ts';
import { needKey, type Need } from './placement.ts';

export interface QueuedRun {
  run_id: string;
  /** Place in the order of arrival; a run that comes back keeps its own. */
  order: number;
  need: Need;
  /** The task it belongs to, under its owner: lanes share the slots, see `share`. */
  lane: string;
  /** Points: 100 more are twice the share of the lane, and a minute's start within it. */
  priority: number;
  /** When it was accepted, ms since the epoch. */
  queued_at: number;
  /** How long it will likely take, ms; undefined where nothing is known. */
  estimate_ms: number | undefined;
  /** How many orders of length it is above what is typical, see `orderOf`: each is placed apart from the others. */
  length: number;
}

/** What the queue asks about lanes. */
export interface LaneFacts {
  /** How much more than others a lane counts; 1 as a rule. */
  weight: (lane: string) => number;
  /** Its runs under way now. Whoever changes that number calls `touch`. */
  running: (lane: string) => number;
}

export interface TakeOptions {
  /** Needs that few workers serve choose before all others: the rest has other workers to go to. */
  isScarce?: (need: Need) => boolean;
}

export interface RunQueue<T extends QueuedRun> {
  readonly size: number;
  push(run: T): void;
  has(runId: string): boolean;
  get(runId: string): T | undefined;
  remove(runId: string): T | undefined;
  /** A lane's number of runs under way has changed. */
  touch(lane: string): void;
  /** Runs of a lane that wait. */
  waitingIn(lane: string): number;
  /** How many runs the lanes take together until `ahead` runs of this one were taken, if each gets its share. */
  turnsFor(lane: string, ahead: number): number;
  /**
   * Whether a shorter run waits, not accepted together with this one, whose lane has no more than this
   * one's: what a lane is short of it gets, however long its runs are.
   */
  keepsShorterWaiting(run: T): boolean;
  /**
   * Takes out every run `place` has an answer for, each time the next by lane and by order within it.
   * Runs with the same need as one that has none are passed over, so that the cost does not grow with
   * what waits. `need` is one object for all that need the same.
   */
  take<A>(place: (run: T, need: Need) => A | undefined, options?: TakeOptions): A[];
}

interface Lane<T> {
  key: string;
  waiting: number;
  /** When it was last served, as a number that rises with every run taken. */
  servedAt: number;
  parts: Set<Part<T>>;
}

/** The runs of one lane with one need, the next of them on top. */
interface Part<T> {
  lane: Lane<T>;
  group: Group<T>;
  runs: Heap<T>;
  /** As of the last move: what a heap sorts by must not change under it. */
  share: number;
  /** Its place among the group's. */
  place: HeapEntry<Part<T>> | undefined;
}

/** All runs with one need and of one order of length: whoever cannot place one of them can place none. */
interface Group<T> {
  key: string;
  need: Need;
  parts: Heap<Part<T>>;
}

const pointsPerDoubling = 100;
/** Within a lane a point is worth this much waiting: nobody is overtaken for ever. */
const msPerPoint = 600;
/** Above this many lanes a place in the queue is told by its length alone. */
const lanesCounted = 1_000;

/**
 * The runs that wait for a slot, in memory; what must not be lost is in the store. The next is taken
 * from the lane with the least share in use, S = (running + 1) / weight · 2^(-priority / 100), of equal
 * ones from that served longest ago: a task with one run never waits behind another's five hundred.
 * The rule is Buildbarn's. Within a lane the most urgent goes first, waiting counted as urgency; of runs
 * accepted together, the one that takes longest.
 */
export function createRunQueue<T extends QueuedRun>(facts: LaneFacts): RunQueue<T> {
  const waiting = new Map<string, { place: HeapEntry<T>; part: Part<T> }>();
  const lanes = new Map<string, Lane<T>>();
  const groups = new Map<string, Group<T>>();
  let served = 0;

  function partFor(run: T): Part<T> {
    const lane = lanes.get(run.lane) ?? { key: run.lane, waiting: 0, servedAt: 0, parts: new Set() };
    lanes.set(run.lane, lane);
    const key = `${String(run.length)} ${needKey(run.need)}`;
    const group = groups.get(key) ?? { key, need: run.need, parts: new Heap<Part<T>>(isNext) };
    groups.set(key, group);
    for (const part of lane.parts) if (part.group === group) return part;
    const part: Part<T> = { lane, group, runs: new Heap<T>(goesFirst), share: 0, place: undefined };
    lane.parts.add(part);
    return part;
  }
  /** Puts a part where its lane's share now says. */
  function settle(part: Part<T>): void {
    const { lane, group, runs } = part;
    const head = runs.top;
    if (head === undefined) {
      if (part.place !== undefined) group.parts.remove(part.place);
      if (group.parts.size === 0) groups.delete(group.key);
      lane.parts.delete(part);
      if (lane.waiting === 0) lanes.delete(lane.key);
      return;
    }
    part.share = share(facts.running(lane.key), facts.weight(lane.key), head.priority);
    if (part.place === undefined) part.place = group.parts.push(part);
    else group.parts.moved(part.place);
  }
  function settleLane(lane: Lane<T>): void {
    for (const part of lane.parts) settle(part);
  }
  function drop(runId: string): T | undefined {
    const entry = waiting.get(runId);
    if (entry === undefined) return undefined;
    const { place, part } = entry;
    waiting.delete(runId);
    part.runs.remove(place);
    part.lane.waiting -= 1;
    settle(part);
    return place.item;
  }
  function next(open: ReadonlySet<Group<T>>, isScarce: (need: Need) => boolean): Part<T> | undefined {
    let found: Part<T> | undefined;
    let isFoundScarce = false;
    for (const group of open) {
      const part = group.parts.top;
      if (part === undefined) continue;
      const scarce = isScarce(group.need);
      const isBetter = scarce === isFoundScarce ? found === undefined || isNext(part, found) : scarce;
      if (!isBetter && found !== undefined) continue;
      found = part;
      isFoundScarce = scarce;
    }
    return found;
  }
  return {
    get size() {
      return waiting.size;
    },
    push(run) {
      const part = partFor(run);
      waiting.set(run.run_id, { place: part.runs.push(run), part });
      part.lane.waiting += 1;
      settle(part);
    },
    has: (runId) => waiting.has(runId),
    get: (runId) => waiting.get(runId)?.place.item,
    remove: drop,
    touch(key) {
      const lane = lanes.get(key);
      if (lane !== undefined) settleLane(lane);
    },
    waitingIn: (lane) => lanes.get(lane)?.waiting ?? 0,
    turnsFor(key, ahead) {
      if (lanes.size > lanesCounted) return waiting.size;
      const pace = ahead / facts.weight(key);
      let turns = ahead;
      for (const lane of lanes.values()) {
        if (lane.key !== key) turns += Math.min(lane.waiting, Math.ceil(pace * facts.weight(lane.key)));
      }
      return turns;
    },
    keepsShorterWaiting({ run_id: id, length, queued_at: at }) {
      const own = waiting.get(id)?.part;
      for (const { parts } of groups.values()) {
        const part = parts.top;
        const next = part?.runs.top;
        if (own === undefined || part === undefined || next === undefined || next.length >= length) continue;
        if (part.lane === own.lane ? next.queued_at !== at : part.share <= own.share) return true;
      }
      return false;
    },
    take(place, { isScarce = () => false } = {}) {
      const taken = [];
      const open = new Set(groups.values());
      for (let part = next(open, isScarce); part !== undefined; part = next(open, isScarce)) {
        const run = part.runs.top;
        const answer = run && place(run, part.group.need);
        if (run === undefined || answer === undefined) {
          open.delete(part.group);
          continue;
        }
        const { lane, group } = part;
        lane.servedAt = ++served;
        drop(run.run_id);
        settleLane(lane);
        if (group.parts.size === 0) open.delete(group);
        taken.push(answer);
      }
      return taken;
    },
  };
}

/** The least goes first. */
export function share(running: number, weight: number, priority: number): number {
  return ((running + 1) / weight) * 2 ** (-priority / pointsPerDoubling);
}

function isNext<T extends QueuedRun>(a: Part<T>, b: Part<T>): boolean {
  if (a.share !== b.share) return a.share < b.share;
  if (a.lane.servedAt !== b.lane.servedAt) return a.lane.servedAt < b.lane.servedAt;
  const [one, other] = [a.runs.top, b.runs.top];
  return one !== undefined && other !== undefined && goesFirst(one, other);
}

/** Ageing as a rule of order: a run that waits a minute longer stands where 100 points more would put it. */
function goesFirst(a: QueuedRun, b: QueuedRun): boolean {
  const [one, other] = [a.queued_at - a.priority * msPerPoint, b.queued_at - b.priority * msPerPoint];
  if (one !== other) return one < other;
  const [long, longer] = [a.estimate_ms ?? 0, b.estimate_ms ?? 0];
  return long === longer ? a.order < b.order : long > longer;
}
