/** The accounts that take no more runs of one model, kept up to date by what changes: nobody asks gate by gate. */
export interface FullGates {
  readonly accounts: ReadonlySet<string>;
  /** Another number whenever `accounts` has changed. */
  readonly version: number;
}

export interface FullGatesKeeper extends FullGates {
  /** `untilMs`: when it opens by itself; 0 for one that runs at work keep full. */
  note(account: string, state: { isFull: boolean; untilMs: number }): void;
  /** Some may be open again by now: `isFull` is asked about those. */
  pass(now: number, isFull: (account: string) => boolean): void;
}

export function createFullGates(): FullGatesKeeper {
  const accounts = new Set<string>();
  const opensAt = new Map<string, number>();
  let soonest = Infinity;
  let version = 0;

  function leave(account: string): void {
    opensAt.delete(account);
    if (accounts.delete(account)) version++;
  }
  return {
    accounts,
    get version() {
      return version;
    },
    note(account, { isFull, untilMs }) {
      if (!isFull) {
        leave(account);
        return;
      }
      if (!accounts.has(account)) version++;
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
