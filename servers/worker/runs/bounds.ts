import type { Config } from '../../../schemas/config.ts';
import type { RunSpec } from '../../../schemas/run.ts';

export interface Bounds {
  wallMs: number;
  outputBytes: number;
  /** What the run asked for and does not get. */
  notes: string[];
}

/** The stricter of what a run asks for and what holds in its folder. `limits` is missing where nothing can run. */
export function boundsOf({ wall_ms, output_bytes }: RunSpec, limits: Config['limits'] | undefined): Bounds {
  const bounds = { wall_ms: limits?.wall_ms ?? Infinity, output_bytes: limits?.output_bytes ?? Infinity };
  const notes = Object.entries({ wall_ms, output_bytes }).flatMap(([name, asked]) => {
    const bound = name === 'wall_ms' ? bounds.wall_ms : bounds.output_bytes;
    if (asked === undefined || asked <= bound) return [];
    return [`${name} is ${String(bound)}, the bound here; ${String(asked)} was asked for.`];
  });
  return {
    wallMs: Math.min(wall_ms ?? Infinity, bounds.wall_ms),
    outputBytes: Math.min(output_bytes ?? Infinity, bounds.output_bytes),
    notes,
  };
}
