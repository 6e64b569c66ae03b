import type { AllowedCommand } from '../schemas/config.ts';

/** As the last element of an allowed command: any further arguments, or none. */
const anyFurther = '...';

/**
 * Whether an argv is on the allow-list: equal to an entry element by element, compared as exact
 * text. Knows nothing of shells, quoting or paths; the caller resolves element 0.
 */
export function matchCommand(commands: readonly AllowedCommand[], argv: readonly string[]): boolean {
  // A NUL would end the argument early for the program that gets it.
  if (argv.length === 0 || argv.some((element) => element.includes('\0'))) return false;
  return commands.some((command) => matchesOne(command.argv, argv));
}

function matchesOne(allowed: readonly string[], argv: readonly string[]): boolean {
  const open = allowed.length > 1 && allowed.at(-1) === anyFurther;
  const fixed = open ? allowed.slice(0, -1) : allowed;
  if (open ? argv.length < fixed.length : argv.length !== fixed.length) return false;
  return fixed.every((element, index) => element === argv[index]);
}
