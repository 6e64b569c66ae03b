import type { DiagnosticStage } from '../../../core/builtin.ts';
import { openGit } from './git.ts';
import type { Stage } from './stage.ts';

/**
 * `node main.js STAGE`: facts about the folder it is run in, as plain text on stdout. Reads only,
 * and runs nothing of the folder's own. Exit code 0, 1 where a stage failed, 2 for an unknown stage.
 */
const stages: Record<DiagnosticStage, () => Promise<Stage>> = {
  state: async () => (await import('./state.ts')).state,
  history: async () => (await import('./history.ts')).history,
  dependencies: async () => (await import('./dependencies.ts')).dependencies,
  languages: async () => (await import('./languages.ts')).languages,
  'large-files': async () => (await import('./large-files.ts')).largeFiles,
  scripts: async () => (await import('./scripts.ts')).scripts,
};

// Whoever read the output has gone: there is nobody left to tell.
process.stdout.on('error', () => process.exit(1));

const [name = '', ...further] = process.argv.slice(2);
const load = new Map(Object.entries(stages)).get(name);
if (load === undefined || further.length > 0) {
  process.stderr.write(`usage: main.js ${Object.keys(stages).join(' | ')}\n`);
  process.exitCode = 2;
} else {
  try {
    const cwd = process.cwd();
    const [stage, git] = await Promise.all([load(), openGit(cwd)]);
    await stage({ cwd, git, print: (line) => process.stdout.write(`${line}\n`) });
  } catch (error) {
    process.stderr.write(`${name} failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
