import type { Pipeline } from '../../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../../schemas/run.ts';
import type { EngineContext, EngineSession } from '../engine.ts';
import { checkExec } from './check-exec.ts';
import { ExecSession } from './exec-session.ts';
import { settledInstall, type CodexInstall } from './install.ts';
import { CodexSession } from './session.ts';

/** By `codex app-server`, or by `codex exec` where this Codex speaks another protocol. */
export function chooseSession(context: EngineContext): EngineSession {
  const install = settledInstall(context.config);
  if (install === undefined || install.hasAppServer) return new CodexSession(context);
  context.report({
    kind: 'note',
    text: `The app-server of Codex ${install.version} does not speak the protocol known here: ran by codex exec.`,
  });
  return new ExecSession(context);
}

/** ENGINE_UNSUPPORTED for a run that `codex exec`, where it has to stand in, cannot serve. */
export function checkFallback(install: CodexInstall, pipeline: Pipeline, spec: RunSpec): void {
  if (!install.hasAppServer) checkExec(pipeline, spec);
}
