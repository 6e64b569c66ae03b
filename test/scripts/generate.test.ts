import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeOf } from '../../scripts/lib/emit-types.ts';
import { generatedFiles } from '../../scripts/lib/generated-files.ts';
import { listLiveTools, type LiveTools } from '../../scripts/lib/live-tools.ts';
import { syncFiles } from '../../scripts/lib/sync-files.ts';

const root = join(import.meta.dirname, '..', '..');
let copy: string;
let live: LiveTools;
let files: Map<string, string>;

beforeAll(async () => {
  live = await listLiveTools();
  files = await generatedFiles(root, live);
  copy = await mkdtemp(join(tmpdir(), 'cf-'));
  for (const folder of ['docs', 'stubs'])
    await cp(join(root, folder), join(copy, folder), { recursive: true });
});
afterAll(() => rm(copy, { recursive: true }));

async function check(): Promise<{ code: unknown; output: string }> {
  const args = ['--import', 'tsx', join(root, 'scripts', 'generate.ts'), '--check', '--root', copy];
  const child = spawn(process.execPath, args, { cwd: root });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const [code] = await once(child, 'close');
  return { code, output };
}

describe('generated files', () => {
  it('are what is committed', async () => {
    expect(await syncFiles(root, files, { write: false })).toEqual([]);
  });

  it('are the same bytes each time', async () => {
    expect(await generatedFiles(root, await listLiveTools())).toEqual(files);
  });

  it('follow one changed word of a contract', async () => {
    const changed = structuredClone(live);
    const first = changed.fleet[0];
    if (first === undefined) throw new Error('No tools.');
    first.description = (first.description ?? '').replace('fleet', 'flotilla');
    const after = await generatedFiles(root, changed);
    const stale = [...after.keys()].filter((path) => after.get(path) !== files.get(path));
    expect(stale).toEqual(['docs/tools.md', 'stubs/fleet.ts', 'stubs/tools.json']);
  });

  it('are found to be stale by --check, which changes nothing', async () => {
    const file = join(copy, 'docs', 'errors.md');
    const stale = (await readFile(file, 'utf8')).replace('Wait for a run', 'Hope for a run');
    await writeFile(file, stale);
    const { code, output } = await check();
    expect(code).toBe(1);
    expect(output).toContain('docs/errors.md');
    expect(output).not.toContain('docs/tools.md');
    expect(await readFile(file, 'utf8')).toBe(stale);
  }, 60_000);

  it('are written where they differ or are missing, and nowhere else', async () => {
    const folder = join(copy, 'fresh');
    expect(await syncFiles(folder, files, { write: true })).toEqual([...files.keys()]);
    await writeFile(join(folder, 'docs', 'metrics.md'), '');
    expect(await syncFiles(folder, files, { write: true })).toEqual(['docs/metrics.md']);
    expect(await syncFiles(folder, files, { write: false })).toEqual([]);
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
    [{ type: 'object', properties: {} }, 'Record<string, unknown>'],
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
