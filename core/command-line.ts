import type { AllowedCommand } from '../schemas/commands.ts';
import type { Pipeline, Stage } from '../schemas/pipeline.ts';
import type { RunSpec } from '../schemas/run.ts';
import { judgeArgv, type Allowed } from './argv-policy.ts';
import { FleetError } from './errors.ts';
import { checkInputs } from './spec.ts';

type CommandStage = Extract<Stage, { engine: 'command' }>;

export interface CommandLine {
  argv: [string, ...string[]];
  /** Which elements are values a caller chose. */
  chosen: number[];
}

/**
 * A stage's argv with the run's inputs in it. Only a whole element `${inputs.NAME}` stands for a value,
 * as one element whatever it holds; an optional input without a value leaves its element out.
 * INVALID_INPUT for a value the pipeline does not declare so.
 */
export function commandLine(stage: CommandStage, pipeline: Pipeline, inputs: RunSpec['inputs']): CommandLine {
  const values = checkInputs(pipeline.inputs, inputs, '');
  const argv: string[] = [];
  const chosen: number[] = [];
  for (const element of stage.argv) {
    const name = /^\$\{inputs\.([^}]+)\}$/.exec(element)?.[1];
    if (name === undefined) {
      argv.push(element);
      continue;
    }
    if (!Object.hasOwn(pipeline.inputs, name)) {
      throw new FleetError(
        'INVALID_INPUT',
        `Stage "${stage.name}" uses the input "${name}", which its pipeline does not declare.`,
      );
    }
    const value = values[name];
    if (value === undefined) continue;
    chosen.push(argv.length);
    argv.push(checkElement(String(value), name));
  }
  const [program, ...args] = argv;
  if (program === undefined) throw new FleetError('INVALID_INPUT', `Stage "${stage.name}" names no program.`);
  return { argv: [program, ...args], chosen };
}

/** No argument of a process can hold a NUL. */
function checkElement(value: string, name: string): string {
  if (!value.includes('\0')) return value;
  throw new FleetError('INVALID_INPUT', `"inputs.${name}" must not hold a NUL character.`);
}

/**
 * Refuses a command line that no entry allows, with why, and with the entry that would allow it. A chosen
 * value that begins with `-` would be an option to most programs: an exact entry must have it literally.
 */
export function checkCommandLine(
  commands: readonly AllowedCommand[],
  { argv, chosen }: CommandLine,
  cwd: string | undefined,
): Allowed {
  const judged = judgeArgv(commands, { argv, chosen, cwd });
  if ('allowed' in judged) return judged.allowed;
  const why = judged.why === undefined ? '' : ` ${judged.why}.`;
  throw new FleetError(
    'COMMAND_NOT_ALLOWED',
    `No entry of "commands" allows ${JSON.stringify(argv)}.${why}`,
    {
      next: `To allow exactly this, add ${JSON.stringify({ argv })} to "commands" in the configuration.`,
    },
  );
}
