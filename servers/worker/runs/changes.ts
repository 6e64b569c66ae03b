/** Something whose changes are told by number: `seq` rises with every change of any of them. */
export interface Numbered {
  seq: number;
}

export type Urgency = 'now' | 'soon' | 'growth';

/** What comes this close together is told as one change: a short run's first output and its end. */
const soonMs = 15;
/** Growing output is news ever more rarely, so that it wakes nobody in vain. */
const firstGrowthMs = 1_000;
const longestGrowthMs = 10_000;

interface Growth {
  timer: NodeJS.Timeout | undefined;
  stepMs: number;
}

/** Numbers changes, and tells whoever waits for them. */
export class ChangeLog<Item extends Numbered> {
  #latest = 0;
  #log: { seq: number; item: Item }[] = [];
  #size = 0;
  #soonTimer: NodeJS.Timeout | undefined;
  readonly #soon = new Set<Item>();
  readonly #growth = new Map<Item, Growth>();
  readonly #listeners = new Set<(item: Item | undefined) => void>();
  #isClosed = false;

  /** The last number given. */
  get latest(): number {
    return this.#latest;
  }

  /** Numbers a new item. Nobody is woken: who started it knows, and others hear of its first change. */
  add(item: Item): void {
    this.#size += 1;
    this.#number(item);
  }

  changed(item: Item, urgency: Urgency): void {
    if (urgency === 'now') this.#tell(item);
    else if (urgency === 'soon') this.#tellSoon(item);
    else this.#tellGrowth(item);
  }

  /** The item's last change. */
  over(item: Item): void {
    this.#tell(item);
    clearTimeout(this.#growth.get(item)?.timer);
    this.#growth.delete(item);
  }

  /** The item is no more, after its last change. */
  remove(item: Item): void {
    this.#size -= 1;
    item.seq = 0;
  }

  /** Items changed after `cursor`, by rising number. */
  after(cursor: number): Item[] {
    return this.#log
      .slice(this.#firstAfter(cursor))
      .flatMap(({ seq, item }) => (item.seq === seq ? [item] : []));
  }

  /** Resolves at the next change of an item of interest, after `ms`, when the signal aborts, or on close(). */
  next(isOfInterest: (item: Item) => boolean, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const listener = (item: Item | undefined): void => {
        if (item === undefined || isOfInterest(item)) finish();
      };
      const timer = setTimeout(finish, ms);
      this.#listeners.add(listener);
      signal.addEventListener('abort', finish);
    });
  }

  /** Wakes everybody who waits; nobody waits from now on. */
  close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners) listener(undefined);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #tell(item: Item): void {
    if (this.#soon.delete(item) && this.#soon.size === 0) this.#endSoon();
    this.#number(item);
    for (const listener of this.#listeners) listener(item);
  }

  #tellSoon(item: Item): void {
    this.#soon.add(item);
    this.#soonTimer ??= setTimeout(() => {
      for (const waiting of this.#soon) this.#tell(waiting);
    }, soonMs);
  }

  /** A run that begins meanwhile has its own time. */
  #endSoon(): void {
    clearTimeout(this.#soonTimer);
    this.#soonTimer = undefined;
  }

  #tellGrowth(item: Item): void {
    const growth = this.#growth.get(item) ?? { timer: undefined, stepMs: firstGrowthMs };
    if (growth.timer !== undefined) return;
    this.#growth.set(item, growth);
    growth.timer = setTimeout(() => {
      growth.timer = undefined;
      growth.stepMs = Math.min(growth.stepMs * 2, longestGrowthMs);
      this.#tell(item);
    }, growth.stepMs);
  }

  #number(item: Item): void {
    this.#latest += 1;
    item.seq = this.#latest;
    this.#log.push({ seq: this.#latest, item });
    if (this.#log.length > 2 * this.#size + 1024)
      this.#log = this.#log.filter((entry) => entry.item.seq === entry.seq);
  }

  /** Index of the first entry with a higher number, by bisection. */
  #firstAfter(cursor: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle]?.seq ?? 0) <= cursor) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
