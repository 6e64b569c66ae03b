import { describe, expect, it } from 'vitest';
import { judgeArgv } from '../../core/argv-policy.ts';
import { builtinCommands, builtinPipelines } from '../../core/builtin.ts';
import { pipeline } from '../../schemas/pipeline.ts';

const install = { node: '/opt/node/bin/node', diagnostics: '/opt/fleet/diagnostics/main.js' };

describe('built-in pipelines', () => {
  it('are valid as configuration would be, with nothing left to defaults', () => {
    for (const [name, built] of Object.entries(builtinPipelines(install))) {
      expect(pipeline.parse(built), name).toEqual(built);
    }
  });

  it('diagnostics changes nothing and goes on after a failed stage', () => {
    const diagnostics = builtinPipelines(install)['diagnostics'];
    expect(diagnostics).toMatchObject({ read_only: true, stop_on_failure: false });
    expect(diagnostics?.stages.length).toBeGreaterThanOrEqual(6);
  });

  it('the default allow-list is exactly the commands of diagnostics', () => {
    const stages = builtinPipelines(install)['diagnostics']?.stages ?? [];
    const argvs = stages.flatMap((stage) => (stage.engine === 'command' ? [stage.argv] : []));
    const commands = builtinCommands(install);
    const isAllowed = (argv: string[]): boolean => 'allowed' in judgeArgv(commands, { argv });
    expect(commands.map((command) => command.argv)).toEqual(argvs);
    expect(argvs.every((argv) => isAllowed(argv))).toBe(true);
    expect(isAllowed([install.node, install.diagnostics])).toBe(false);
    expect(isAllowed([install.node, install.diagnostics, 'state', '--x'])).toBe(false);
    expect(isAllowed([install.node, '-e', '0'])).toBe(false);
  });
});
