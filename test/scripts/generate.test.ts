import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeOf } from '../../scripts/lib/emit-types.ts';
import { generatedFiles } from '../../scripts/lib/generated-files.ts';
import { listLiveTools } from '../../scripts/lib/live-tools.ts';

const root = join(import.meta.dirname, '..', '..');
let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'cf-'));
  for (const folder of ['docs', 'stubs'])
    await cp(join(root, folder), join(copy, folder), { recursive: true });
});
afterAll(() => rm(copy, { recursive: true }));

async function generate(...args: string[]): Promise<{ code: unknown; output: string }> {
  const script = join(root, 'scripts', 'generate.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, '--root', copy, ...args], { cwd: root });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const [code] = await once(child, 'close');
  return { code, output };
}

describe('generated files', () => {
  it('are what is committed', async () => {
    for (const [path, text] of await generatedFiles(root, await listLiveTools())) {
      expect(await readFile(join(root, path), 'utf8'), path).toBe(text);
    }
  });

  it('are the same bytes each time', async () => {
    const [one, two] = [await listLiveTools(), await listLiveTools()];
    expect(await generatedFiles(root, one)).toEqual(await generatedFiles(root, two));
  });

  it('follow one changed word of a contract', async () => {
    const live = await listLiveTools();
    const before = await generatedFiles(root, live);
    const first = live.fleet[0];
    if (first === undefined) throw new Error('No tools.');
    first.description = `${first.description ?? ''} Really.`;
    const after = await generatedFiles(root, live);
    const changed = [...after.keys()].filter((path) => after.get(path) !== before.get(path));
    expect(changed).toEqual(['docs/tools.md', 'stubs/fleet.ts', 'stubs/tools.json']);
  });

  it('are found to be stale by --check, which changes nothing, and are written without it', async () => {
    expect(await generate('--check')).toMatchObject({ code: 0 });
    const file = join(copy, 'docs', 'errors.md');
    const stale = (await readFile(file, 'utf8')).replace('Wait for a run', 'Hope for a run');
    await writeFile(file, stale);
    const checked = await generate('--check');
    expect(checked.code).toBe(1);
    expect(checked.output).toContain('docs/errors.md');
    expect(checked.output).not.toContain('docs/tools.md');
    expect(await readFile(file, 'utf8')).toBe(stale);
    expect((await generate()).output).toContain('Wrote docs/errors.md');
    expect(await generate('--check')).toMatchObject({ code: 0 });
  });
});

describe('types', () => {
  it.each([
    [{ type: 'string', enum: ['a', 'b'] }, '"a" | "b"'],
    [{ const: 1 }, '1'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [
      { type: 'array', items: { anyOf: [{ type: 'integer' }, { type: 'boolean' }] } },
      'Array<number | boolean>',
    ],
    [{ type: 'object', additionalProperties: { type: 'number' } }, 'Record<string, number>'],
    [{ type: 'object' }, 'Record<string, unknown>'],
    [{ type: 'object', properties: {} }, 'Record<string, never>'],
    [
      { type: 'object', properties: { 'a-b': { type: 'string' }, c: {} }, required: ['c'] },
      '{\n"a-b"?: string;\nc: unknown;\n}',
    ],
  ])('of %j', (schema, type) => {
    expect(typeOf(schema)).toBe(type);
  });

  it('are not invented for what is never emitted', () => {
    expect(() => typeOf({ type: 'date' })).toThrow('date');
  });
});
