import { checkInputs } from '../../../../core/spec.ts';
import { FleetError } from '../../../../core/errors.ts';
import type { Pipeline, Stage } from '../../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../../schemas/run.ts';

export type CodexStage = Extract<Stage, { engine: 'codex' | 'codex-exec' }>;

/** ENGINE_UNSUPPORTED for a stage of another engine. */
export function codexStage(stage: Stage): CodexStage {
  if (stage.engine !== 'command') return stage;
  throw new FleetError('ENGINE_UNSUPPORTED', `Stage "${stage.name}" is not for Codex.`);
}

/**
 * A stage's prompt with the run's values in it, each taken literally. INVALID_INPUT for an input the
 * pipeline does not declare, or a prompt that comes out empty.
 */
export function stagePrompt(stage: CodexStage, pipeline: Pipeline, spec: RunSpec): string {
  const values = checkInputs(pipeline.inputs, spec.inputs, '');
  const text = stage.prompt.replaceAll(
    /\$\{(prompt|inputs\.([^}]+))\}/g,
    (_, place: string, name?: string) => {
      if (name === undefined) return spec.prompt ?? '';
      if (Object.hasOwn(pipeline.inputs, name)) return String(values[name] ?? '');
      throw new FleetError(
        'INVALID_INPUT',
        `Stage "${stage.name}" uses ${place}, which its pipeline does not declare.`,
      );
    },
  );
  if (text.trim() === '') throw new FleetError('INVALID_INPUT', `Stage "${stage.name}" has an empty prompt.`);
  return text;
}
