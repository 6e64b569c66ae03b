import { describe, expect, it } from 'vitest';
import { createTold } from '../../coordinator/told.ts';
import { cliClientName } from '../../schemas/server-info.ts';

const agent = { client: { name: 'claude-code', version: '1' } };

describe('what agents were told', () => {
  it('is kept by run, with how much of an output it showed', () => {
    const told = createTold(7);
    told.add('run_a', { reply: { n: 1 }, shown: 'four' }, agent);
    told.add('run_b', { reply: { n: 2 }, shown: '' }, agent);
    told.add('run_a', { reply: { n: 3 }, shown: 'seven!!' }, agent);
    expect(told.since).toBe(7);
    expect(told.of('run_a')).toMatchObject({ replies: 2, characters: 11 });
    expect(told.of('run_a').kept.map(({ reply }) => reply)).toEqual([{ n: 1 }, { n: 3 }]);
    expect(told.of('run_none')).toEqual({ replies: 0, characters: 0, kept: [] });
  });

  it('leaves out what a person looks at by the program', () => {
    const told = createTold(0);
    told.add('run_a', { reply: {}, shown: 'text' }, { client: { name: cliClientName, version: '1' } });
    expect(told.of('run_a').replies).toBe(0);
  });

  it('lets replies go that showed nothing, too', () => {
    const told = createTold(0);
    for (let at = 0; at < 10_000; at += 1) told.add('run_a', { reply: { at }, shown: '' }, agent);
    expect(told.of('run_a').kept.length).toBeLessThanOrEqual(4_096);
    expect(told.of('run_a').replies).toBe(10_000);
  });

  it('lets the oldest replies go, and still counts them', () => {
    const told = createTold(0);
    const page = 'x'.repeat(32 * 1024);
    for (let at = 0; at < 200; at += 1)
      told.add(at < 100 ? 'run_a' : 'run_b', { reply: { at }, shown: page }, agent);
    const kept = told.of('run_a').kept.length + told.of('run_b').kept.length;
    expect(kept).toBe(64);
    expect(told.of('run_a')).toMatchObject({ replies: 100, characters: 100 * page.length, kept: [] });
    expect(told.of('run_b').kept.at(-1)?.reply).toEqual({ at: 199 });
  });
});
