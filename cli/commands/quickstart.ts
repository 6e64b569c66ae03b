import { defineCommand, wrongUsage } from '../command.ts';
import { openQuickstart } from '../quickstart/folder.ts';
import { quickstartReport } from '../quickstart/report.ts';
import { runQuickstart } from '../quickstart/run.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { onShutdown } from '../../platform/shutdown.ts';

export const quickstart = defineCommand({
  name: 'quickstart',
  usage: '[OPTIONS] [PROMPT]',
  about:
    'Starts a fleet of its own with 2 local workers, fans out real runs over the folder it stands in, shows\n' +
    'what they did and what it saved, and stops the fleet. Needs no account. With `--engine codex` it hands\n' +
    'your prompt to Codex instead.',
  examples: ['codex-fleet quickstart', 'codex-fleet quickstart --engine codex "What does this project do?"'],
  options: {
    engine: { type: 'string', value: 'NAME', about: 'command (the default) or codex' },
  },
  run: async ({ values, positionals, json }) => {
    const engine = values.engine ?? 'command';
    const prompt = positionals.join(' ');
    if (engine !== 'command' && engine !== 'codex')
      throw wrongUsage('quickstart', '--engine is command or codex');
    if (engine === 'codex' && prompt === '') throw wrongUsage('quickstart', '--engine codex needs a prompt');
    if (engine === 'command' && prompt !== '')
      throw wrongUsage('quickstart', 'A prompt goes with --engine codex');
    const interrupted = new AbortController();
    const stopListening = onShutdown(() => interrupted.abort());
    const place = openQuickstart(processEnv);
    try {
      const runs = await runQuickstart(place, {
        cwd: process.cwd(),
        prompt: engine === 'codex' ? prompt : undefined,
        signal: interrupted.signal,
      });
      if (json) printJson({ state_dir: place.paths.stateDir, runs });
      else print(`\n${quickstartReport(place, runs)}`);
      return runs.every(({ status }) => status === 'completed') ? 0 : 1;
    } catch (error) {
      if (!interrupted.signal.aborted) throw error;
      process.stderr.write('Stopped.\n');
      return 130;
    } finally {
      stopListening();
    }
  },
});
