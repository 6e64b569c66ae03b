import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allowedCommand, type AllowedCommand } from '../../../schemas/commands.ts';
import { admitProgram, pinPrograms } from '../../../servers/worker/commands/admit-program.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const entry = (written: unknown): AllowedCommand => allowedCommand.parse(written);

function layOut() {
  const root = scratchFolder();
  const [bin, late, cwd] = [join(root, 'bin'), join(root, 'late'), join(root, 'work')];
  for (const folder of [bin, late, cwd]) mkdirSync(folder);
  const put = (folder: string, text: string): string => {
    const file = join(folder, 'tool');
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  };
  return { root, bin, late, cwd, put, place: { path: [late, bin, cwd].join(':'), cwd } };
}

describe('the program of an entry', () => {
  it('holds what its sha256 says, looked at again once the file has changed, its times set back', () => {
    const { bin, put, place, root } = layOut();
    const file = put(bin, 'one\n');
    utimesSync(file, 1, 1);
    const one = entry({ argv: ['tool'], sha256: sha256('one\n') });
    expect(admitProgram(one, 'tool', place)).toEqual({ kind: 'found', file });
    expect(admitProgram(one, 'tool', place)).toEqual({ kind: 'found', file });
    writeFileSync(file, 'two\n');
    utimesSync(file, 1, 1);
    expect(admitProgram(one, 'tool', place)).toMatchObject({
      kind: 'missing',
      errno: 'EACCES',
      why: expect.stringContaining(`has the sha256 ${sha256('two\n')}`),
    });
    const other = put(root, 'one\n');
    renameSync(other, file);
    expect(admitProgram(one, 'tool', place)).toMatchObject({ kind: 'found' });
  });

  it('lies where its path says, whatever comes first on PATH', () => {
    const { bin, late, put, place, root } = layOut();
    const file = put(bin, 'one\n');
    symlinkSync(file, join(root, 'link'));
    const placed = entry({ binary: 'tool', rules: {}, path: join(root, 'link') });
    expect(admitProgram(placed, 'tool', place)).toEqual({ kind: 'found', file: join(root, 'link') });
    // Who goes by the name alone, as Codex does, finds the same file, or is refused.
    expect(admitProgram(placed, 'tool', { ...place, byName: true })).toEqual({ kind: 'found', file });
    put(late, 'two\n');
    expect(admitProgram(placed, 'tool', place)).toMatchObject({ kind: 'found' });
    expect(admitProgram(placed, 'tool', { ...place, byName: true })).toMatchObject({
      why: expect.stringContaining('as the entry of "commands" says'),
    });
    const gone = entry({ argv: ['tool'], path: join(root, 'gone') });
    expect(admitProgram(gone, 'tool', { ...place, byName: true })).toMatchObject({ errno: 'EACCES' });
  });

  it('by name stays the one that was there when the worker started', () => {
    const { bin, late, put, place } = layOut();
    const file = put(bin, 'one\n');
    const named = entry({ binary: 'tool', rules: {} });
    pinPrograms([named, entry({ argv: ['tool'] }), entry({ binary: 'absent' })], place);
    put(late, 'two\n');
    expect(admitProgram(named, 'tool', place)).toMatchObject({
      kind: 'missing',
      why: expect.stringContaining(`was ${file} when this worker first looked`),
    });
    expect(admitProgram(entry({ argv: ['tool'] }), 'tool', place)).toMatchObject({ kind: 'found' });
  });

  it('is never one of the folder a run works in', () => {
    const { cwd, root, put, place } = layOut();
    put(cwd, 'one\n');
    symlinkSync(join(cwd, 'tool'), join(root, 'bin', 'tool'));
    for (const one of [entry({ argv: ['tool'] }), entry({ binary: 'tool', rules: {} })]) {
      expect(admitProgram(one, 'tool', place)).toMatchObject({ why: expect.stringContaining('lies inside') });
    }
  });
});
