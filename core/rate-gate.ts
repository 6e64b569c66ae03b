/**
 * How many runs may use one model of one account at a time. Additive increase, multiplicative decrease
 * (Chiu and Jain), begun by doubling as TCP does (RFC 5681), with a wait after each refusal.
 */
export interface RateGate {
  /** Runs at a time. */
  limit: number;
  /** Never refused so far: grows by one with every success. */
  untried: boolean;
  /** Successes since the limit changed. */
  credits: number;
  /** How many successes each run of the limit has to bring before it grows; more where growing was wrong. */
  patience: number;
  /** The limit has grown since it was last cut. */
  grown: boolean;
  /** Shut until then; ms since the epoch. */
  untilMs: number;
  /** How long the last wait was that no provider had named. */
  waitMs: number | undefined;
}

export const firstLimit = 8;
const mostPatience = 16;
const firstWaitMs = 1_000;
const longestWaitMs = 60_000;
/** A week's window and a day: what is later is a mistake of the provider's clock. */
const longestResetMs = 8 * 86_400_000;
/** Of a wait, at most so much more, so that not all who share an account come back in one moment. */
const spread = 0.1;
const longestSpreadMs = 1_000;

export function newRateGate(): RateGate {
  return {
    limit: firstLimit,
    untried: true,
    credits: 0,
    patience: 1,
    grown: false,
    untilMs: 0,
    waitMs: undefined,
  };
}

/** Runs that may begin now beside those under way. */
export function headroom(gate: RateGate, { now, underWay }: { now: number; underWay: number }): number {
  return now < gate.untilMs ? 0 : Math.max(0, gate.limit - underWay);
}

/** A call of the model was answered. */
export function afterSuccess(gate: RateGate): RateGate {
  const calm = { ...gate, waitMs: undefined };
  if (gate.untried) return { ...calm, limit: gate.limit + 1 };
  const credits = gate.credits + 1;
  if (credits < gate.limit * gate.patience) return { ...calm, credits };
  const patience = gate.grown ? Math.max(1, gate.patience / 2) : gate.patience;
  return { ...calm, limit: gate.limit + 1, credits: 0, patience, grown: true };
}

/** What may be used in a window of time is used up: nothing goes until it ends, and then as much as before. */
export function afterSpent(gate: RateGate, { now, retryAt }: { now: number; retryAt: number }): RateGate {
  return { ...gate, untilMs: Math.max(gate.untilMs, Math.min(retryAt, now + longestResetMs)) };
}

/**
 * A call was refused, with `underWay` runs at work, that one included. All refusals while the gate is
 * shut belong to one burst: the limit is halved once. `retryAt` is the provider's word; `random` lies
 * in [0, 1).
 */
export function afterRefusal(
  gate: RateGate,
  refusal: { now: number; retryAt: number | undefined; underWay: number; random: number },
): RateGate {
  const { now, retryAt, underWay, random } = refusal;
  const named = retryAt === undefined ? undefined : Math.min(retryAt, now + longestResetMs);
  if (now < gate.untilMs)
    return named === undefined ? gate : { ...gate, untilMs: Math.max(gate.untilMs, named) };
  const waitMs = named === undefined ? ownWaitMs(gate.waitMs, random) : undefined;
  return {
    limit: Math.max(1, Math.floor(Math.min(gate.limit, underWay) / 2)),
    untried: false,
    credits: 0,
    patience: gate.grown ? Math.min(mostPatience, gate.patience * 2) : gate.patience,
    grown: false,
    untilMs: named ?? now + (waitMs ?? 0),
    waitMs,
  };
}

/** When a run that was refused may come back: once the gate is open, and a little later than the next one. */
export function comeBackAt(gate: RateGate, now: number, random: number): number {
  const wait = Math.max(0, gate.untilMs - now);
  return Math.round(now + wait + random * Math.min(longestSpreadMs, spread * wait));
}

function ownWaitMs(lastMs: number | undefined, random: number): number {
  const most = 3 * (lastMs ?? firstWaitMs);
  return Math.round(Math.min(longestWaitMs, firstWaitMs + random * (most - firstWaitMs)));
}
