import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { maxLinks, resultLinks } from '../../core/result-links.ts';
import type { HandleSummary } from '../../schemas/handle.ts';
import type { RunSnapshot } from '../../schemas/run.ts';

const id = (at: number) => `hdl_V1StGXR8Z5jdHi6BmyT${String(at).padStart(2, '0')}`;

function handle(at: number, stream: HandleSummary['stream'], bytes = 90_000): HandleSummary {
  return { handle_id: id(at), stream, bytes, lines: 900 };
}

function run(status: RunSnapshot['status'], handles: HandleSummary[], preview?: string): RunSnapshot {
  return {
    run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
    status,
    handles,
    ...(preview !== undefined && { preview }),
  };
}

const cut = 'stdout (900 lines, 90000 bytes)\n1: first\n900: last';

describe('links beside a reply', () => {
  it('name one handle of a run that has ended: what an agent said, before what was printed', () => {
    const handles = [handle(1, 'stdout'), handle(2, 'events'), handle(3, 'last_message')];
    expect(resultLinks([run('completed', handles, cut)])).toEqual([
      { uri: `fleet://handles/${id(3)}`, name: 'last_message', size: 90_000 },
    ]);
  });

  it('name what a failed run complained of, and of stages the last', () => {
    const handles = [handle(1, 'stderr'), handle(2, 'stdout'), handle(3, 'stderr'), handle(4, 'stderr', 0)];
    expect(resultLinks([run('failed', handles, cut)])).toMatchObject([{ uri: `fleet://handles/${id(3)}` }]);
  });

  it('are none for a run that goes on, one that printed nothing, and one whose preview has all of it', () => {
    const whole = 'stdout (2 lines)\n1: stdout (900 lines, 90000 bytes)\n2: done';
    const runs = [
      run('running', [handle(1, 'stdout')], cut),
      run('completed', [handle(2, 'stdout', 0)]),
      run('completed', [handle(3, 'stdout', 91)], whole),
      run('completed', [handle(4, 'events')], cut),
    ];
    expect(resultLinks(runs)).toEqual([]);
  });

  it('are few, those of failed runs first', () => {
    const runs = Array.from({ length: 20 }, (_, at) =>
      run(at === 17 ? 'failed' : 'completed', [handle(at, 'stdout')], cut),
    );
    const links = resultLinks(runs);
    expect(links).toHaveLength(maxLinks);
    expect(links[0]?.uri).toBe(`fleet://handles/${id(17)}`);
  });

  it('cost the model of a client that shows them 40 tokens each at most', () => {
    const [link] = resultLinks([run('completed', [handle(1, 'last_message')], cut)]);
    // As Claude Code words it; Codex shows its model none.
    const shown = `[Resource link: ${link?.name ?? ''}] ${link?.uri ?? ''}`;
    expect(countTokens(shown)).toBeLessThanOrEqual(40);
  });
});
