/** How long runs of a kind take: mean and spread of the natural logarithm of their time. */
interface Kind {
  runs: number;
  mean: number;
  variance: number;
}

/** What is known of run times. Kinds are asked from the most special to the most general. */
export interface Estimates {
  /** A run of these kinds took `ms`. */
  observe(kinds: readonly string[], ms: number): void;
  /** The typical time of the first kind that is known, ms. */
  typical(kinds: readonly string[]): number | undefined;
  /** The time that the given share of such runs stays below, ms: log-normal, as run times are. */
  quantile(kinds: readonly string[], share: 'p95'): number | undefined;
}

/** The weight of the newest run, once there are more than five. */
const newest = 0.2;
const maxKinds = 10_000;
const normalP95 = 1.645;

/** Exponentially weighted means of the logarithm: one straggler does not make every run look slow. */
export function createEstimates(): Estimates {
  const kinds = new Map<string, Kind>();

  function known(names: readonly string[]): Kind | undefined {
    for (const name of names) {
      const kind = kinds.get(name);
      if (kind !== undefined) return kind;
    }
    return undefined;
  }
  return {
    observe(names, ms) {
      const log = Math.log(Math.max(1, ms));
      for (const name of names) {
        const kind = kinds.get(name) ?? { runs: 0, mean: 0, variance: 0 };
        kinds.delete(name);
        kinds.set(name, after(kind, log));
      }
      for (const oldest of kinds.keys()) {
        if (kinds.size <= maxKinds) break;
        kinds.delete(oldest);
      }
    },
    typical(names) {
      const kind = known(names);
      return kind && Math.exp(kind.mean);
    },
    quantile(names) {
      const kind = known(names);
      return kind && Math.exp(kind.mean + normalP95 * Math.sqrt(kind.variance));
    },
  };
}

function after({ runs, mean, variance }: Kind, log: number): Kind {
  const weight = Math.max(newest, 1 / (runs + 1));
  const off = log - mean;
  const moved = mean + weight * off;
  return {
    runs: runs + 1,
    mean: moved,
    variance: runs === 0 ? 0 : (1 - weight) * (variance + weight * off * off),
  };
}
