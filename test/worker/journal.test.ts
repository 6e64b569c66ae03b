import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failpointNames } from '../../platform/failpoint.ts';
import { Journal, readJournal } from '../../servers/worker/journal.ts';
import { dieAt } from '../helpers/failpoints.ts';
import { scratchFolder } from '../helpers/scratch.ts';

const entry = z.strictObject({ text: z.string() });
const [first, second, third] = ['a', 'b', 'c'].map((letter) => `run_${letter.repeat(21)}`);
if (first === undefined || second === undefined || third === undefined) throw new Error('no ids');

/** What is known of the second entry after a death at each failpoint; the first is always there. */
const standing: Record<string, string | undefined> = {
  'open.before': undefined,
  'open.torn': undefined,
  'open.after': 'open',
  'sealed.before': 'open',
  'sealed.torn': 'open',
  'sealed.after': 'sealed',
  'deleted.before': 'sealed',
  'deleted.torn': 'sealed',
  'deleted.after': undefined,
  'compact.before': undefined,
  'compact.after': undefined,
};
const names = failpointNames.filter((name) => /^(record|handle)\.(open|sealed|deleted|compact)/.test(name));

describe('a worker that dies in its journal', () => {
  it.each(names)('at %s: every line written whole stands, and it goes on', (name) => {
    const folder = scratchFolder();
    const file = join(folder, 'journal.jsonl');
    const [kind = '', ...rest] = name.split('.');
    const at = rest.join('.');
    expect(Object.keys(standing)).toContain(at);
    // The first entry is written before the one that counts.
    const nth = at.startsWith('open') ? 2 : 1;
    dieAt({ name, nth, folder }, 'die-in-journal.mjs', [kind, file, JSON.stringify([first, second])]);
    const texts = (): (string | undefined)[] => {
      const entries = readJournal(file, entry);
      return [first, second, third].map((id) => entries.get(id)?.text);
    };
    expect(texts()).toEqual(['kept', standing[at], undefined]);

    const again = new Journal(kind === 'record' ? 'record' : 'handle', file, entry);
    again.replay(() => undefined);
    again.append({ id: third, run_id: third, state: 'open' }, { text: 'new' });
    expect(texts()).toEqual(['kept', standing[at], 'new']);
  });
});
