import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cargoGraph } from '../../../servers/worker/diagnostics/dependencies/cargo.ts';
import { goGraph } from '../../../servers/worker/diagnostics/dependencies/go.ts';
import { printGraph, type Graph } from '../../../servers/worker/diagnostics/dependencies/graph.ts';
import { npmGraph } from '../../../servers/worker/diagnostics/dependencies/npm.ts';
import { manifestGraph } from '../../../servers/worker/diagnostics/dependencies/package-json.ts';
import { pnpmGraph } from '../../../servers/worker/diagnostics/dependencies/pnpm.ts';
import {
  pyprojectGraph,
  requirementsGraph,
  tomlLockGraph,
} from '../../../servers/worker/diagnostics/dependencies/python.ts';
import { yarnGraph } from '../../../servers/worker/diagnostics/dependencies/yarn.ts';

function tree(graph: Graph): string[] {
  const lines: string[] = [];
  printGraph((line) => lines.push(line.replace(/^ {2}/, '')), graph);
  return lines;
}

describe('dependency trees', () => {
  it('npm: by the nearest node_modules upwards', () => {
    const lock = {
      packages: {
        '': { dependencies: { a: '^1' }, devDependencies: { b: '^2' } },
        'node_modules/a': { version: '1.0.0', dependencies: { b: '^1' } },
        'node_modules/a/node_modules/b': { version: '1.5.0' },
        'node_modules/b': { version: '2.0.0', dev: true },
      },
    };
    expect(tree(npmGraph(JSON.stringify(lock)))).toEqual([
      'npm: 2 direct, 3 packages in all',
      '  a 1.0.0',
      '    b 1.5.0',
      '  b 2.0.0 (dev)',
    ]);
  });

  it('package.json alone: names and ranges', () => {
    expect(tree(manifestGraph('{"dependencies":{"a":"^1"},"devDependencies":{"b":"*"}}')).slice(1)).toEqual([
      '  a ^1',
      '  b * (devDependencies)',
    ]);
  });

  it('pnpm', () => {
    const lock =
      "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      '@x/a':\n        specifier: ^1\n        version: 1.0.0(b@2.0.0)\n\npackages:\n\n  '@x/a@1.0.0':\n    resolution: {integrity: sha512-x}\n\nsnapshots:\n\n  '@x/a@1.0.0(b@2.0.0)':\n    dependencies:\n      b: 2.0.0\n\n  b@2.0.0: {}\n";
    expect(tree(pnpmGraph(lock)).slice(1)).toEqual(['  @x/a 1.0.0', '    b 2.0.0']);
  });

  it('yarn, classic and berry', () => {
    const manifest = '{"dependencies":{"a":"^1.0.0"}}';
    const classic =
      '# yarn lockfile v1\n\n\na@^1.0.0, a@^1.1.0:\n  version "1.2.0"\n  resolved "https://x/a.tgz#1"\n  dependencies:\n    "@s/b" "^2.0.0"\n\n"@s/b@^2.0.0":\n  version "2.0.1"\n';
    const berry =
      '__metadata:\n  version: 8\n\n"a@npm:^1.0.0":\n  version: 1.2.0\n  resolution: "a@npm:1.2.0"\n  dependencies:\n    "@s/b": "npm:^2.0.0"\n\n"@s/b@npm:^2.0.0":\n  version: 2.0.1\n';
    for (const lock of [classic, berry]) {
      expect(tree(yarnGraph(lock, manifest))).toEqual([
        'yarn: 1 direct, 2 packages in all',
        '  a 1.2.0',
        '    @s/b 2.0.1',
      ]);
    }
  });

  it('cargo: two versions of one crate', () => {
    const source = 'source = "registry+x"';
    const lock = `version = 3\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = ["a", "b 2.0.0"]\n[[package]]\nname = "a"\nversion = "1.0.0"\n${source}\ndependencies = ["b 1.0.0"]\n[[package]]\nname = "b"\nversion = "1.0.0"\n${source}\n[[package]]\nname = "b"\nversion = "2.0.0"\n${source}\n`;
    expect(tree(cargoGraph(lock)).slice(1)).toEqual([
      '  app 0.1.0',
      '    a 1.0.0',
      '      b 1.0.0',
      '    b 2.0.0',
    ]);
  });

  it('go: direct before indirect', () => {
    const mod =
      'module x\n\ngo 1.22\n\nrequire example.org/one v1.0.0\n\nrequire (\n\texample.org/two v0.2.0 // indirect\n\texample.org/three v3.0.0\n)\nreplace example.org/two => ../two\n';
    expect(tree(goGraph(mod)).slice(1)).toEqual([
      '  example.org/one v1.0.0',
      '  example.org/three v3.0.0',
      '  example.org/two v0.2.0 (indirect)',
    ]);
  });

  it('python: uv, poetry, pyproject and requirements', () => {
    const uv =
      '[[package]]\nname = "app"\nversion = "0.1"\nsource = { editable = "." }\ndependencies = [{ name = "My_Lib" }]\n[[package]]\nname = "my-lib"\nversion = "1.0"\nsource = { registry = "x" }\n';
    expect(tree(tomlLockGraph(uv)).slice(1)).toEqual(['  app 0.1', '    my-lib 1.0']);
    const poetry =
      '[[package]]\nname = "a"\nversion = "1"\n[package.dependencies]\nb = ">=1"\n[[package]]\nname = "b"\nversion = "2"\n';
    expect(tree(tomlLockGraph(poetry)).slice(1)).toEqual(['  a 1', '    b 2']);
    expect(
      tree(
        pyprojectGraph(
          '[project]\nname="x"\ndependencies=["a>=1"]\n[project.optional-dependencies]\ndev=["b"]\n',
        ),
      ).slice(1),
    ).toEqual(['  a>=1', '  b (dev)']);
    expect(tree(requirementsGraph('# top\n-r other.txt\na==1 # why\n\nb\n')).slice(1)).toEqual([
      '  a==1',
      '  b',
    ]);
  });

  it('ends on circles and stays bounded on webs', () => {
    const names = Array.from({ length: 300 }, (_, at) => `p${at}`);
    const nodes = new Map(names.map((name) => [name, { label: name, to: names }]));
    expect(tree({ kind: 'x', roots: names, nodes }).length).toBeLessThan(500);
  });

  it('of anything at all either is a graph or says why not', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string({ unit: fc.constantFrom(' ', 'a', ':', '\n', '"', "'", '@', ',', '[', ']', '=') }),
        ),
        (text) => {
          for (const read of [
            npmGraph,
            pnpmGraph,
            manifestGraph,
            cargoGraph,
            goGraph,
            tomlLockGraph,
            pyprojectGraph,
            requirementsGraph,
            (lock: string) => yarnGraph(lock, '{}'),
          ]) {
            let graph: Graph | undefined;
            try {
              graph = read(text);
            } catch (error) {
              expect(error).toBeInstanceOf(Error);
            }
            if (graph !== undefined) expect(tree(graph).length).toBeGreaterThan(0);
          }
        },
      ),
    );
  });
});
