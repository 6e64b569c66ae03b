/** The accounts that take no more runs of one model, kept up to date by what changes: nobody asks gate by gate. */
export interface FullGates {
  readonly accounts: ReadonlySet<string>;
  /** Counts the changes of `accounts`. */
  readonly version: number;
  /** The accounts that came or went since a version; undefined where that is too long ago. */
  since(version: number): readonly string[] | undefined;
}

export interface FullGatesKeeper extends FullGates {
  /** `untilMs`: when it opens by itself; 0 for one that runs at work keep full. */
  note(account: string, state: { isFull: boolean; untilMs: number }): void;
  /** Some may be open again by now: `isFull` is asked about those. */
  pass(now: number, isFull: (account: string) => boolean): void;
}

const changesKept = 256;

export function createFullGates(): FullGatesKeeper {
  const accounts = new Set<string>();
  const opensAt = new Map<string, number>();
  let soonest = Infinity;
  let version = 0;
  let changes: string[] = [];

  function changed(account: string): void {
    version++;
    changes.push(account);
    if (changes.length > 2 * changesKept) changes = changes.slice(-changesKept);
  }
  function leave(account: string): void {
    opensAt.delete(account);
    if (accounts.delete(account)) changed(account);
  }
  return {
    accounts,
    get version() {
      return version;
    },
    since(before) {
      const count = version - before;
      return count > changes.length ? undefined : changes.slice(changes.length - count);
    },
    note(account, { isFull, untilMs }) {
      if (!isFull) {
        leave(account);
        return;
      }
      if (!accounts.has(account)) changed(account);
      accounts.add(account);
      opensAt.set(account, untilMs);
      if (untilMs > 0) soonest = Math.min(soonest, untilMs);
    },
    pass(now, isFull) {
      if (now < soonest) return;
      soonest = Infinity;
      for (const [account, untilMs] of opensAt) {
        if (untilMs === 0) continue;
        if (untilMs > now) soonest = Math.min(soonest, untilMs);
        else if (isFull(account)) opensAt.set(account, 0);
        else leave(account);
      }
    },
  };
}
