import { describe, expect, it } from 'vitest';
import { readModes, runContracts } from '../../../../schemas/tools.ts';
import { growing, sealed, type Ask } from './support.ts';

describe('read_handle', () => {
  it('waits for a growing handle to have something to tell, and no longer than it lives', async () => {
    const handle = growing('');
    const waiting = handle.read({ mode: 'tail', wait_ms: 10_000 });
    handle.writer.append(Buffer.from('first\n'));
    const first = await waiting;
    expect(first).toMatchObject({ text: 'first\n', sealed: false });
    const next = JSON.parse(first.next.replace('read_handle ', ''));
    expect(next).toMatchObject({ mode: 'bytes', from: 6, wait_ms: 25_000 });
    const follow = handle.read({ mode: 'bytes', from: 6, wait_ms: 10_000 });
    handle.writer.append(Buffer.from('second\n'));
    expect(await follow).toMatchObject({ text: 'second\n', from_byte: 6 });
    const last = handle.read({ mode: 'bytes', from: 13, wait_ms: 20_000 });
    await handle.writer.seal({ truncated: false });
    expect(await last).toMatchObject({ text: '', sealed: true, next: 'That is all of it.' });
    const begun = performance.now();
    expect(await growing('').read({ wait_ms: 100 })).toMatchObject({ text: '', sealed: false });
    expect(performance.now() - begun).toBeGreaterThan(90);
  });

  it('guesses the mode from what is asked', async () => {
    const { read } = await sealed('{"a":1}\nhit\n');
    expect(await read({ pattern: 'hit' })).toMatchObject({ text: '2: hit\n' });
    expect(await read({ fields: ['a'] })).toMatchObject({ text: '{"a":1}\n' });
    expect(await read({ from: 2 })).toMatchObject({ text: 'hit\n' });
    expect(await read({})).toMatchObject({ from_line: 1 });
  });

  it('refuses fields that mean nothing with a mode, and says where they do', async () => {
    const { read } = await sealed('x\n');
    const wrong: Ask[] = [
      { mode: 'head', pattern: 'x' },
      { mode: 'tail', from: 3 },
      { mode: 'grep' },
      { mode: 'grep', pattern: 'x', encoding: 'base64' },
      { mode: 'grep', pattern: 'x', from: 1, cursor: 'l0' },
      { mode: 'grep', pattern: 'x', from: 1, pick: 'last' },
      { mode: 'json', from: 1 },
      { mode: 'stats', pattern: 'x' },
      { mode: 'stats', cursor: 'l1' },
      { mode: 'outline', cursor: '-1' },
      { mode: 'json', cursor: '12' },
      { mode: 'diff' },
      { mode: 'lines', pick: 'last' },
      { mode: 'export' },
    ];
    for (const ask of wrong) {
      await expect(read(ask), JSON.stringify(ask)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        next: expect.stringMatching(/\w/),
      });
    }
  });

  it('keeps within a page whatever is asked of whatever content', async () => {
    const nasty = [
      '\0'.repeat(2000),
      '"\\'.repeat(3000),
      '\u202e'.repeat(900),
      '日'.repeat(5000),
      '\x1b[31m',
      '',
    ].join('\n');
    const handle = await sealed(`${nasty}\nERROR "x"\n`.repeat(300));
    const asks: Ask[] = [
      { pattern: '\0'.repeat(1000) },
      { pattern: `x${'\0'.repeat(990)}|ERROR`, count: 1_000_000, context: 20 },
      { pattern: '(?s).', count: 1_000_000, context: 20 },
      { pattern: '.', pick: 'last', count: 1_000_000 },
      { pattern: '.', context: 20 },
      { mode: 'stats' },
      { mode: 'outline', count: 1_000_000 },
      {
        mode: 'json',
        fields: Array.from({ length: 32 }, () => '"'.repeat(200)),
        pattern: `/${'\0'.repeat(900)}=1`,
        pointer: '"'.repeat(500),
      },
      { mode: 'diff', other: handle.writer.handle_id, context: 20 },
      { mode: 'lines', from: 1, count: 1_000_000 },
      { mode: 'bytes', from: 0, count: 1_000_000, encoding: 'base64' },
    ];
    for (const ask of asks) expect(await handle.read(ask), JSON.stringify(ask).slice(0, 80)).toBeDefined();
  });

  it('never accepts an id that is no handle', () => {
    const { input } = runContracts.read_handle;
    const ids = [
      '',
      '..',
      'hdl_../../../../etc/passwd',
      'hdl_V1StGXR8Z5jdHi6BmyT01\n',
      'hdl_V1StGXR8Z5jdHi6BmyT0/',
      '__proto__',
      'ﬀhdl_',
    ];
    for (const mode of readModes) {
      for (const id of ids) {
        expect(input.safeParse({ handle_id: id, mode }).success).toBe(false);
        expect(input.safeParse({ handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT01', mode, other: id }).success).toBe(
          false,
        );
      }
    }
  });
});
