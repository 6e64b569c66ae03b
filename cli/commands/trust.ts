import { defineCommand, wrongUsage } from '../command.ts';
import { print, printJson } from '../output.ts';
import { trustWorkers, workerWord } from '../trust/worker-words.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths, makePrivateDir } from '../../platform/paths.ts';
import { trustProject } from '../../platform/project-config.ts';
import type { AllowedCommand } from '../../schemas/commands.ts';

export const trust = defineCommand({
  name: 'trust',
  usage: '[OPTIONS] [FOLDER] | list | add WORKER | rotate WORKER | revoke WORKER | key WORKER',
  about:
    'Of a project, with a folder or nothing: lets its .codex-fleet.json widen your configuration by its own\n' +
    'pipelines, commands and variables. Holds for the file as it stands now; after a change it only narrows\n' +
    'again. Read it first.\n\n' +
    'Of workers, with list, add, rotate, revoke or key (a folder of such a name is ./list): which of the\n' +
    '`remote_workers` of the configuration get runs. `add` enrols the key a worker shows; give by --key what\n' +
    '`key` says on its own host, so that nobody else can answer for it. `rotate` goes over to its next key,\n' +
    '`revoke` ends its runs and gives it none.',
  examples: [
    'codex-fleet trust',
    'codex-fleet trust ~/work/app',
    'codex-fleet trust add gpu --key=kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    'codex-fleet trust revoke gpu --finish',
  ],
  options: {
    key: { type: 'string', value: 'KEY', about: 'add: the thumbprint of the one key to enrol' },
    finish: { type: 'boolean', about: 'revoke: let it finish what it has' },
  },
  run: ({ values, positionals, json }) => {
    const [first, ...rest] = positionals;
    const word = workerWord(first);
    if (word !== undefined) {
      return trustWorkers({ word, rest, key: values.key, finish: values.finish === true, json });
    }
    if (rest.length > 0) throw wrongUsage('trust', 'Name one folder');
    return trustFolder(first ?? process.cwd(), json);
  },
});

function trustFolder(folder: string, json: boolean): Promise<number> {
  const paths = fleetPaths(processEnv);
  makePrivateDir(paths.stateDir);
  const { file, project } = trustProject(folder, paths.trustFile);
  const commands = project.widen?.commands.map(commandWords) ?? [];
  const pipelines = Object.keys(project.widen?.pipelines ?? {});
  const env = project.widen?.env ?? [];
  if (json) printJson({ file, commands, pipelines, env });
  else {
    print(`Trusted as it stands now: ${file}`);
    print(`  commands:  ${commands.join(' · ') || 'none'}`);
    print(`  pipelines: ${pipelines.join(' · ') || 'none'}`);
    print(`  variables: ${env.join(' · ') || 'none'}`);
  }
  return Promise.resolve(0);
}

function commandWords(entry: AllowedCommand): string {
  if ('argv' in entry) return entry.argv.join(' ');
  const scripts = entry.scripts.length === 0 ? '' : ` (scripts ${entry.scripts.join(', ')})`;
  return `${entry.binary} by ${entry.rules === 'shipped' ? 'its rules' : 'rules of its own'}${scripts}`;
}
