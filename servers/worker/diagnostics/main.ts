import { dependencies } from './dependencies.ts';
import { openGit } from './git.ts';
import { history } from './history.ts';
import { languages } from './languages.ts';
import { largeFiles } from './large-files.ts';
import { scripts } from './scripts.ts';
import type { Stage } from './stage.ts';
import { state } from './state.ts';
import type { DiagnosticStage } from '../../../core/builtin.ts';

/**
 * `node main.js STAGE`: facts about the folder it is run in, as plain text on stdout. Reads only,
 * and runs nothing of the folder's own. Exit code 0, 1 where a stage failed, 2 for an unknown stage.
 */
const stages: Record<DiagnosticStage, Stage> = {
  state,
  history,
  dependencies,
  languages,
  'large-files': largeFiles,
  scripts,
};

const [name = '', ...further] = process.argv.slice(2);
const stage = new Map<string, Stage>(Object.entries(stages)).get(name);
if (stage === undefined || further.length > 0) {
  process.stderr.write(`usage: main.js ${Object.keys(stages).join(' | ')}\n`);
  process.exitCode = 2;
} else {
  const cwd = process.cwd();
  try {
    await stage({ cwd, git: await openGit(cwd), print: (line) => process.stdout.write(`${line}\n`) });
  } catch (error) {
    process.stderr.write(`${name} failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
