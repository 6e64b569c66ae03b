import { FleetError } from '../../../../core/errors.ts';
import type { Pipeline } from '../../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../../schemas/run.ts';

/** `codex exec` never asks: neither us about a command, nor anybody else. */
export function checkExec(pipeline: Pipeline, spec: RunSpec): void {
  const next = 'Use the engine "codex" with a Codex whose app-server works (`codex-fleet doctor`).';
  if (pipeline.commands === 'allow-list') {
    throw new FleetError('ENGINE_UNSUPPORTED', 'codex exec cannot hold commands to an allow-list.', { next });
  }
  if (spec.ask) throw new FleetError('ENGINE_UNSUPPORTED', 'codex exec cannot ask questions.', { next });
}
