import type { EngineStatus } from '../../schemas/worker.ts';
import type { ProbeContext } from './engines/engine.ts';
import type { Engines } from './engines/index.ts';

/** A coordinator that connects does not wait much longer for the descriptor. */
const patienceMs = 4_000;

/** Begins to try every engine; whoever asks waits for the answers, up to `patienceMs` after the start. */
export function probeEngines(engines: Engines, context: ProbeContext): () => Promise<EngineStatus[]> {
  const patience = new Promise<undefined>((resolve) => {
    setTimeout(() => {
      resolve(undefined);
    }, patienceMs).unref();
  });
  const probes = Object.values(engines).map((engine) => ({
    engine: engine.name,
    status: engine.probe(context),
  }));
  return () =>
    Promise.all(
      probes.map(async ({ engine, status }) => {
        const untried: EngineStatus = {
          engine,
          available: false,
          why: 'It is still being tried; ask again.',
          probing: true,
        };
        return (await Promise.race([status, patience])) ?? untried;
      }),
    );
}
