import type { EngineStatus } from '../../../../schemas/worker.ts';
import type { Engine, EngineSession } from '../engine.ts';
import { chooseSession, checkFallback } from './choose.ts';
import { probeInstall, whyMissing } from './install.ts';
import { checkStage } from './preparation.ts';

/** Codex through `codex app-server`, one process an attempt. */
export const codexEngine: Engine = {
  name: 'codex',
  async probe(context): Promise<EngineStatus> {
    try {
      const { version, sandboxFault } = await probeInstall(context);
      const limits =
        sandboxFault === undefined ? {} : { why: `${sandboxFault.message} ${sandboxFault.next}` };
      return { engine: 'codex', available: true, version, ...limits };
    } catch (error) {
      return { engine: 'codex', available: false, why: whyMissing(error) };
    }
  },
  async check(stage, pipeline, spec, config) {
    checkFallback(await checkStage({ stage, pipeline, spec, config }), pipeline, spec);
  },
  start: (context): EngineSession => chooseSession(context),
};
