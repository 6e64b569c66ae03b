import type { EngineStatus } from '../../../../schemas/worker.ts';
import type { Engine, EngineSession } from '../engine.ts';
import { checkExec } from './check-exec.ts';
import { ExecSession } from './exec-session.ts';
import { knownProbe, probeInstall, whyMissing } from './install.ts';
import { checkStage } from './preparation.ts';

/** Codex through `codex exec --json`: fewer promises, for where the app-server cannot be used. */
export const codexExecEngine: Engine = {
  name: 'codex-exec',
  async probe(context): Promise<EngineStatus> {
    try {
      const { version, sandboxFault } = await (knownProbe(context.config) ?? probeInstall(context));
      if (sandboxFault === undefined) return { engine: 'codex-exec', available: true, version };
      return { engine: 'codex-exec', available: false, version, why: whyMissing(sandboxFault) };
    } catch (error) {
      return { engine: 'codex-exec', available: false, why: whyMissing(error) };
    }
  },
  async check(stage, pipeline, spec, config) {
    checkExec(pipeline, spec);
    await checkStage({ stage, pipeline, spec, config });
  },
  start: (context): EngineSession => new ExecSession(context),
};
