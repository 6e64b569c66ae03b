import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seeded, word, type Output, type Wanted } from './output.ts';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const modules = join(repository, 'node_modules');

interface Printed {
  content: Buffer;
  stderr: Buffer;
}

/** What a program prints, however it ends; nothing where it is not on this machine. */
function printed(file: string, argv: readonly string[], cwd: string): Promise<Printed> {
  const options = {
    cwd,
    encoding: 'buffer',
    maxBuffer: 64 * 2 ** 20,
    env: { ...process.env, CI: '1' },
  } as const;
  return new Promise((resolve) => {
    execFile(file, argv, options, (_, content, stderr) => resolve({ content, stderr }));
  });
}

/** Output of tools on this machine: of this repository, and of a broken project made for them. */
export async function realOutputs(): Promise<Output[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-tokens-'));
  try {
    const plain = await Promise.all([
      plainOutput('git log -p', 'git', ['log', '-p', '--no-color', '-n', '12']),
      plainOutput('git log --stat', 'git', ['log', '--stat', '--no-color', '-n', '300']),
      plainOutput('find -ls', 'find', [`${modules}/`, '-maxdepth', '3', '-ls']),
    ]);
    const broken = [await typeErrors(folder), ...(await failingTests(folder))];
    return [...plain, ...broken].filter(({ content }) => content.length > 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function plainOutput(name: string, file: string, argv: string[]): Promise<Output> {
  return { name, origin: 'real', ...(await printed(file, argv, repository)) };
}

/** tsc over a project with some hundred errors of a few kinds. */
async function typeErrors(folder: string): Promise<Output> {
  const random = seeded(41);
  const root = join(folder, 'types');
  await mkdir(root);
  const kinds: ((name: string) => string)[] = [
    (name) => `export const ${name}: number = '${name}';`,
    (name) => `export const ${name} = missing_${name};`,
    (name) => `export const ${name} = 'text'.${name}();`,
    (name) => `export function ${name}(input) { return input; }`,
    (name) => `export const ${name}: { id: number; kind: 'a' | 'b' } = { id: 1, kind: '${name}' };`,
  ];
  for (let file = 0; file < 60; file += 1) {
    const lines = Array.from(
      { length: 20 },
      (_, at) => kinds[random(kinds.length)]?.(`${word(random)}${String(at)}`) ?? '',
    );
    await writeFile(join(root, `${word(random)}-${String(file)}.ts`), `${lines.join('\n')}\n`);
  }
  await writeFile(
    join(root, 'tsconfig.json'),
    '{"compilerOptions":{"strict":true,"noEmit":true,"types":[]}}',
  );
  const argv = [join(modules, 'typescript', 'bin', 'tsc'), '-p', '.', '--pretty', 'false'];
  const made = await printed(process.execPath, argv, root);
  return { name: 'tsc', origin: 'real', ...made, wanted: { codes: codesOf(made.content.toString()) } };
}

function codesOf(text: string): Wanted['codes'] {
  const codes = new Map<string, Wanted['codes'][number]>();
  for (const [, first = '', code = ''] of text.matchAll(/^([^\s(]+)\(\d+,\d+\): error (TS\d+)/gm)) {
    const known = codes.get(code);
    if (known === undefined) codes.set(code, { code, count: 1, first });
    else known.count += 1;
  }
  return [...codes.values()];
}

/** vitest over 2,400 tests of which 12 fail, as its default, its verbose and its JSON reporter tell it. */
async function failingTests(folder: string): Promise<Output[]> {
  const root = join(folder, 'tests');
  await mkdir(root);
  await symlink(modules, join(root, 'node_modules'));
  const wanted: Omit<Wanted, 'codes'> = { failures: [], messages: [], locations: [] };
  for (let file = 0; file < 12; file += 1) {
    const name = `suite-${String(file)}.test.mjs`;
    const lines = ["import { expect, it } from 'vitest';"];
    for (let test = 0; test < 200; test += 1) {
      const title = `does its work ${String(file)} of ${String(test)}`;
      const value = test === 100 + file ? test + 1 : test;
      lines.push(`it('${title}', () => {`, `  expect(${String(test)}).toBe(${String(value)});`, '});');
      if (value === test) continue;
      wanted.failures.push(title);
      wanted.messages.push(`expected ${String(test)} to be ${String(value)}`);
      wanted.locations.push(`${name}:${String(lines.length - 1)}`);
    }
    await writeFile(join(root, name), `${lines.join('\n')}\n`);
  }
  await writeFile(join(root, 'vitest.config.mjs'), 'export default { test: { maxWorkers: 2 } };\n');
  const outputs: Output[] = [];
  for (const reporter of ['default', 'verbose', 'json']) {
    const argv = [join(modules, 'vitest', 'vitest.mjs'), 'run', '--root', '.', '--reporter', reporter];
    const made = await printed(process.execPath, argv, root);
    outputs.push({ name: `vitest --reporter ${reporter}`, origin: 'real', ...made, wanted });
  }
  return outputs;
}
