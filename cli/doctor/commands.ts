import { loadConfig } from '../../platform/config.ts';
import { runPath, type Environment } from '../../platform/environment.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import type { AllowedCommand } from '../../schemas/commands.ts';
import { admitProgram } from '../../servers/worker/commands/admit-program.ts';
import type { Check } from './check.ts';

/** No run works in it, and no program lies in it. */
const nowhere = '/dev';

/** Whether the programs of `commands` are where runs look for them, and hold what an entry says they do. */
export function checkCommands(paths: FleetPaths, env: Environment): Check[] {
  const config = loadConfig(paths.configFile);
  const place = { path: runPath(env, config), cwd: nowhere };
  const good = new Set<string>();
  const faults = config.commands.flatMap((entry): Check[] => {
    const program = programOf(entry);
    const found = admitProgram(entry, program, place);
    if (found.kind === 'found') good.add(program);
    return found.kind === 'found' ? [] : [faulty(program, found.why)];
  });
  const names = good.size === 0 ? 'none but those of `diagnostics`' : [...good].join(', ');
  return [{ name: 'commands', state: 'ok', found: names }, ...faults];
}

function programOf(entry: AllowedCommand): string {
  return 'argv' in entry ? (entry.argv[0] ?? '') : entry.binary;
}

function faulty(program: string, why: string): Check {
  return {
    name: `command ${program}`,
    state: 'warning',
    found: why,
    fix: 'Runs of it are refused. Install it, add its folder to "path", or correct its entry in "commands".',
  };
}
