import { argumentRules, type ArgumentRules } from '../argument-rules.ts';
import type { ProgramRules } from '../program-rules.ts';

/**
 * Node and its tools run code of the work tree, which an entry must name (`scripts`), or the tool's own
 * configuration does. Left out are all options that bring code of another origin: `-e`, `-p`, `-r`, `--import`,
 * `--loader`, `--inspect`; `npm exec`, `--script-shell`, `--node-options`, `--prefix`; `--plugin`,
 * `--rulesdir`, `--parser`, `--config`; and files of arguments (`tsc @file`).
 */
const nothing = (): ArgumentRules =>
  argumentRules({
    options: '--version',
    short: 'words',
    operands: 'none',
    required: ['--version'],
  });

const node = (): ProgramRules => ({
  commands: undefined,
  plain: nothing(),
  scripts: {
    after: [],
    alone: [],
    rules: argumentRules({ options: '--enable-source-maps --no-warnings --trace-warnings', short: 'words' }),
    ownArguments: true,
  },
  obeysRepository: false,
});

const npm = (): ProgramRules => ({
  commands: new Map([
    [
      'ls',
      argumentRules({ options: '--all --json --long --depth=number --omit=dev --parseable', short: 'words' }),
    ],
    ['--version', argumentRules({ operands: 'none', short: 'words' })],
  ]),
  plain: undefined,
  scripts: {
    after: ['run', 'run-script'],
    alone: ['test', 'start'],
    rules: argumentRules({ options: '-s --silent --if-present', short: 'words', operands: 'none' }),
    ownArguments: false,
  },
  obeysRepository: false,
});

const tsc = (): ProgramRules => ({
  commands: undefined,
  plain: argumentRules({
    options:
      '--noEmit -p=path --project=path --pretty=true|false --skipLibCheck --strict --listFiles --listFilesOnly ' +
      '--showConfig --incremental=false --target=any --module=any --moduleResolution=any --jsx=any --allowJs --checkJs',
    short: 'words',
    required: ['--noEmit'],
  }),
  obeysRepository: false,
});

const eslint = (): ProgramRules => ({
  commands: undefined,
  plain: argumentRules({
    options:
      '--ext=any --quiet --max-warnings=number --no-color --color --cache --format=stylish|json|compact|unix ' +
      '-f=stylish|json|compact|unix --no-ignore --no-error-on-unmatched-pattern --report-unused-disable-directives',
    short: 'words',
  }),
  obeysRepository: false,
});

const prettier = (): ProgramRules => ({
  commands: undefined,
  plain: argumentRules({
    options:
      '-c --check -l --list-different --no-color --ignore-unknown -u --log-level=silent|error|warn|log|debug ' +
      '--no-config --no-plugin-search --no-error-on-unmatched-pattern',
    short: 'words',
  }),
  obeysRepository: false,
});

export const nodeRules: Readonly<Record<string, () => ProgramRules>> = { node, npm, tsc, eslint, prettier };
