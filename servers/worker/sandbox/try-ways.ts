import { layersOf } from '../../../core/sandbox.ts';
import type { LayerState } from '../../../schemas/sandbox.ts';
import { findPrograms } from '../runner/find-programs.ts';
import type { ReapingLayer } from '../runner/layer.ts';
import type { Confinement } from '../runner/process.ts';
import { proveSandbox } from './prove.ts';
import { byLandlock, byNamespaces, type Way } from './ways.ts';

/** What was found out by trying. */
export interface Proven {
  states: readonly LayerState[];
  /** What confines a run here; undefined where nothing hides a file. */
  way: Way | undefined;
}

/** Namespaces where they hide files; else Landlock where that does. */
export async function tryWays(layer: ReapingLayer, stateDir: string, path: string): Promise<Proven> {
  const [perl] = findPrograms('perl', path);
  const why = layer.whyNotConfined;
  const byThem =
    why === undefined
      ? await proveSandbox({ layer, stateDir, perl, shape, way: byNamespaces })
      : layersOf.strict.map((name): LayerState => ({ layer: name, state: 'missing', why }));
  if (hidesFiles(byThem)) return { states: byThem, way: byNamespaces };
  if (perl === undefined) return { states: byThem.map(also('Landlock: no perl found')), way: undefined };
  const way = byLandlock(perl);
  const byIt = await proveSandbox({ layer, stateDir, perl, shape, way });
  const [first] = byIt;
  if (!hidesFiles(byIt)) return { states: byThem.map(also(`Landlock: ${first?.why ?? ''}`)), way: undefined };
  const noNamespace = byThem.find((state) => state.layer === 'processes')?.why ?? '';
  const states = byIt.map((state) => (state.layer === 'processes' ? also(noNamespace)(state) : state));
  return { states, way };
}

function hidesFiles(states: readonly LayerState[]): boolean {
  return states.some(({ layer, state }) => layer === 'filesystem' && state !== 'missing');
}

function also(why: string): (state: LayerState) => LayerState {
  return (state) => ({ ...state, why: [state.why, why].filter(Boolean).join('; ') });
}

function shape({ workspace, secret }: { workspace: string; secret: string }): Confinement {
  return {
    writable: [workspace],
    readable: [],
    hidden: [secret],
    network: false,
    tmpBytes: 1024 * 1024,
    filtersCalls: false,
  };
}
