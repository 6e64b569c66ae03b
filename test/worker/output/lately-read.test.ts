import { expect, it, onTestFinished, vi } from 'vitest';
import type { StoredContent } from '../../../platform/blobs/stored-content.ts';
import { LatelyRead } from '../../../servers/worker/output/lately-read.ts';
import { LineIndex } from '../../../servers/worker/output/line-index.ts';

/** What was done with contents, in order. */
function watched(): { lately: LatelyRead<string>; done: string[] } {
  const done: string[] = [];
  const content = (id: string): StoredContent => ({
    size: 1,
    readInto: () => 1,
    close: () => {
      done.push(`close ${id}`);
    },
  });
  const lately = new LatelyRead<string>({
    find: (id) => {
      done.push(`find ${id}`);
      return id === 'none' ? undefined : id;
    },
    open: (id) => {
      done.push(`open ${id}`);
      return content(id);
    },
    indexOf: (id) => {
      done.push(`index ${id}`);
      return Promise.resolve(new LineIndex());
    },
  });
  return { lately, done };
}

it('looks up and opens once what is read page by page', async () => {
  const { lately, done } = watched();
  for (let page = 0; page < 3; page += 1) {
    lately.find('a');
    lately.content('a');
    await lately.index('a');
  }
  expect(done).toEqual(['find a', 'open a', 'index a']);
  expect([lately.find('none'), lately.content('none'), lately.index('none')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it('keeps sixteen handles, closing those read longest ago', () => {
  const { lately, done } = watched();
  for (let n = 1; n <= 16; n += 1) lately.content(String(n));
  lately.find('1');
  done.length = 0;
  lately.content('17');
  expect(done).toEqual(['find 17', 'close 2', 'open 17']);
});

it('closes what is forgotten at once, and all the rest a while after', () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { lately, done } = watched();
  lately.content('a');
  lately.content('b');
  lately.forget('a');
  expect(done.at(-1)).toBe('close a');
  vi.advanceTimersByTime(5_000);
  expect(done.at(-1)).toBe('close b');
  lately.content('b');
  expect(done.at(-1)).toBe('open b');
  vi.advanceTimersByTime(5_000);
  expect(done.at(-1)).toBe('close b');
});

it('takes over the index that was made while a handle was written', async () => {
  const { lately, done } = watched();
  const index = new LineIndex();
  lately.sealed('a', 'a', index);
  expect(await lately.index('a')).toBe(index);
  expect(done).toEqual([]);
});
