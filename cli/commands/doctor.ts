import { defineCommand } from '../command.ts';
import { tryCheck, type Check } from '../doctor/check.ts';
import { checkCommands } from '../doctor/commands.ts';
import {
  checkConfig,
  checkDatabase,
  checkNode,
  checkPrivacy,
  checkProcesses,
  checkSpace,
  checkSqlite,
  checkStateFolder,
} from '../doctor/system.ts';
import { capturedEnvironment, checkPrograms } from '../doctor/programs.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';

const marks = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' } as const;

export const doctor = defineCommand({
  name: 'doctor',
  usage: '[OPTIONS]',
  about:
    'Checks what the fleet needs on this machine, by trying it, and says how to mend what is missing. Exit\n' +
    'code 1 where something the fleet cannot do without has failed.',
  examples: ['codex-fleet doctor', 'codex-fleet doctor --json'],
  options: {},
  run: async ({ json }) => {
    const checks = await examine();
    if (json) printJson({ checks });
    else for (const check of checks) print(checkLines(check));
    return checks.some(({ state }) => state === 'failed') ? 1 : 0;
  },
});

async function examine(): Promise<Check[]> {
  const paths = fleetPaths(processEnv);
  const captured = capturedEnvironment(paths, processEnv);
  const reinstall = 'Install codex-fleet again: its files, or better-sqlite3, are not as they should be.';
  const groups = await Promise.all([
    tryCheck('programs', 'Install Node 20.19 or newer, and git.', async () => [
      checkNode(),
      ...(await checkPrograms(paths, captured)),
    ]),
    tryCheck('sqlite', reinstall, async () => [await checkSqlite()]),
    tryCheck('configuration', 'Correct the file; docs/config.md lists every field.', async () => [
      checkConfig(paths),
      ...checkCommands(paths, captured.env),
    ]),
    tryCheck('database', 'Look at who may read the file.', async () => [
      await checkDatabase(paths),
      await checkPrivacy(paths, processEnv),
    ]),
    tryCheck('engines', reinstall, async () => {
      const { checkEngines, checkLimits, checkReaping, checkSandbox } = await import('../doctor/engines.ts');
      return [
        ...(await checkEngines(paths, captured.env)),
        ...(await checkReaping(paths, captured.env)),
        ...(await checkSandbox(paths, captured.env)),
        ...(await checkLimits(paths, captured.env)),
      ];
    }),
    tryCheck('state folder', 'Make it a folder of your own, with mode 700.', () => [
      checkStateFolder(paths),
      checkSpace(paths),
      checkProcesses(paths),
    ]),
  ]);
  return groups.flat();
}

function checkLines({ name, state, found, fix }: Check): string {
  const line = `${marks[state]}  ${name}: ${found}`;
  return fix === undefined ? line : `${line}\n         → ${fix}`;
}
