import { describe, expect, it } from 'vitest';
import { partsOfReply, shareOf } from '../../core/told-parts.ts';

const text = { type: 'text', text: 'poll_run {}' };
const link = { type: 'resource_link', uri: 'fleet://handles/hdl_b', name: 'stdout', size: 9 };

describe('a reply by runs', () => {
  it('about one run is all of it that run’s: what it says, its line and its link', () => {
    const output = {
      runs: [{ run_id: 'b', handles: [{ handle_id: 'hdl_b' }] }],
      cursor: '4',
      next: text.text,
    };
    expect(partsOfReply({ named: [], output, beside: [text, link] })).toEqual([
      { run_ids: ['b'], text: [JSON.stringify(output), text.text, JSON.stringify(link)].join('\n') },
    ]);
    const page = { run_id: 'b', text: 'a line' };
    expect(partsOfReply({ named: [], output: page, beside: [] })).toEqual([
      { run_ids: ['b'], text: JSON.stringify(page) },
    ]);
  });

  it('about several is cut by them, and what is left over is for all', () => {
    const [a, b] = [{ run_id: 'a' }, { run_id: 'b', handles: [{ handle_id: 'hdl_b' }] }];
    const output = { runs: [a, b], details: [{ ...a, more: 1 }], cursor: '4' };
    const stray = { ...link, uri: 'fleet://handles/hdl_z' };
    expect(partsOfReply({ named: ['c'], output, beside: [text, link, stray] })).toEqual([
      { run_ids: ['a'], text: `${JSON.stringify(a)}\n${JSON.stringify({ ...a, more: 1 })}` },
      { run_ids: ['b'], text: `${JSON.stringify(b)}\n${JSON.stringify(link)}` },
      {
        run_ids: ['a', 'b'],
        text: [JSON.stringify({ runs: [], details: [], cursor: '4' }), text.text, JSON.stringify(stray)].join(
          '\n',
        ),
      },
    ]);
  });

  it('about none is for those that were named, once each; without any it is nobody’s', () => {
    const output = { runs: [], cursor: '4' };
    expect(partsOfReply({ named: ['a', 'b', 'a'], output, beside: [text] })).toEqual([
      { run_ids: ['a', 'b'], text: `${JSON.stringify(output)}\n${text.text}` },
    ]);
    expect(partsOfReply({ named: [], output, beside: [text] })).toEqual([]);
  });
});

it('shares add up to what is shared', () => {
  const shares = (total: number, of: number) =>
    Array.from({ length: of }, (_, at) => shareOf(total, { of, at }));
  expect(shares(7, 3)).toEqual([3, 2, 2]);
  expect(shares(9, 3)).toEqual([3, 3, 3]);
  expect(shares(1, 2)).toEqual([1, 0]);
});
