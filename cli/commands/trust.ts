import { defineCommand, wrongUsage } from '../command.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths, makePrivateDir } from '../../platform/paths.ts';
import { trustProject } from '../../platform/project-config.ts';

export const trust = defineCommand({
  name: 'trust',
  usage: '[OPTIONS] [FOLDER]',
  about:
    "Lets a project's .codex-fleet.json widen your configuration: its own pipelines, commands and variables.\n" +
    'Holds for the file as it stands now; after a change it only narrows again. Read it first.',
  examples: ['codex-fleet trust', 'codex-fleet trust ~/work/app'],
  options: {},
  run: ({ positionals, json }) => {
    if (positionals.length > 1) throw wrongUsage('trust', 'Name one folder');
    const paths = fleetPaths(processEnv);
    makePrivateDir(paths.stateDir);
    const { file, project } = trustProject(positionals[0] ?? process.cwd(), paths.trustFile);
    const commands = project.widen?.commands.map(({ argv }) => argv.join(' ')) ?? [];
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
  },
});
