#!/usr/bin/env node
import { commands, findCommand, overview } from './commands.ts';
import { report } from './report.ts';

/**
 * Exit codes: 0 done, 1 a run or the command failed, 2 wrong usage or configuration, 130 Ctrl-C.
 */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(overview());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-V') {
    const { version } = await import('../platform/version.ts');
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const command = findCommand(name);
  if (command === undefined) {
    process.stderr.write(
      `codex-fleet: there is no command "${name}".\nUse one of: ${Object.keys(commands).join(', ')}.\n`,
    );
    return 2;
  }
  try {
    return await (await command.load()).run(rest);
  } catch (error) {
    return report(error, rest.includes('--json'));
  }
}

/** Pipes take what is written later: waits for that, but not for a reader that stopped reading. */
function flushed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
    setTimeout(resolve, 200);
  });
}

process.stdout.on('error', () => process.exit(process.exitCode));
const code = await main(process.argv.slice(2));
process.exitCode = code;
await flushed();
process.exit(code);
