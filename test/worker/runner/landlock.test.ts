import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { callFilter } from '../../../servers/worker/runner/call-filter.ts';
import { landlockLauncher, landlockRules } from '../../../servers/worker/runner/landlock.ts';
import { findPrograms } from '../../../servers/worker/runner/find-programs.ts';
import type { Confinement } from '../../../servers/worker/runner/process.ts';
import { path } from './support.ts';

const confinement: Confinement = {
  writable: ['/work'],
  readable: [],
  hidden: [],
  network: false,
  tmpBytes: 0,
  filtersCalls: false,
};

const tree: Record<string, string[]> = {
  '/': ['usr', 'home', 'dev', 'run', 'tmp', 'work'],
  '/home': ['me', 'you'],
  '/home/me': ['.ssh', '.profile', 'src'],
  '/work': ['a', 'key'],
};

function shown(change: Partial<Confinement>): { read: string[]; written: string[] } {
  const rules = landlockRules({ ...confinement, ...change }, (folder) => tree[folder] ?? []);
  const of = (kind: string): string[] => rules.filter((rule) => rule.kind === kind).map(({ path }) => path);
  return { read: of('r').filter((path) => path !== '/run/current-system'), written: of('w') };
}

describe('what Landlock lets a command open', () => {
  it('is everything but private places, and the folders that have one in them', () => {
    expect(shown({ hidden: ['/home/me/.ssh'] })).toEqual({
      read: ['/usr', '/home/me/.profile', '/home/me/src', '/home/you', '/work'],
      written: ['/work'],
    });
    expect(shown({}).read).toEqual(['/usr', '/home', '/work']);
  });

  it('is a place inside of a private one that was named, but not what is private in there', () => {
    const inside = shown({ hidden: ['/home/me', '/home/me/src/key'], readable: ['/home/me/src'] });
    expect(inside.read).toEqual(['/usr', '/home/you', '/work']);
    expect(shown({ hidden: ['/home/me'], readable: ['/home/me/src'] }).read).toContain('/home/me/src');
    expect(shown({ hidden: ['/work/key'] }).written).toEqual(['/work/a']);
    expect(shown({ hidden: ['/work'] }).written).toEqual(['/work']);
  });

  it('ends where a folder has too many entries, and goes on where one cannot be listed', () => {
    const list = (folder: string): string[] =>
      folder === '/' ? Array.from({ length: 5_000 }, (_, at) => `f${String(at)}`) : [];
    const hidden = { ...confinement, hidden: ['/home/me/.ssh'] };
    expect(landlockRules(hidden, list).length).toBeLessThan(4_200);
    const closed = landlockRules(hidden, (folder) => (folder === '/home/me' ? ['.ssh', 'src'] : []));
    expect(closed).toContainEqual({ kind: 'r', path: '/home/me/src' });
  });
});

describe('its launcher', () => {
  it('is for processors whose calls are known, and closes TCP unless the network is granted', () => {
    const words = landlockLauncher('/usr/bin/perl', confinement, 'whole');
    expect(words).toContain('closed');
    expect(landlockLauncher('/usr/bin/perl', { ...confinement, network: true }, 'in part')).toContain('open');
    expect(words.at(-1)).toBe('--');
    const filtered = { network: false, refuses: 'little', localSockets: false, refusesUnseen: true } as const;
    expect(callFilter('arm64', filtered)?.length).toBeGreaterThan(0);
    expect(callFilter('ia32', filtered)).toBeUndefined();
  });

  it('loads nothing of what the environment of the command names, and hands it on as it is', () => {
    const [perl = ''] = findPrograms('perl', path);
    const [file, ...words] = landlockLauncher(perl, confinement, 'whole');
    const env = { PERL5OPT: '-MNothing', PERL5LIB: '/nowhere', WORDS: 'a=b\nc' };
    const { stdout, stderr, status } = spawnSync(file, [...words, '/usr/bin/env', '-0'], {
      env,
      encoding: 'utf8',
    });
    if (stderr.includes('the kernel has no Landlock')) return expect(status).toBe(125);
    const told = stdout.split('\0').filter(Boolean);
    expect(told.toSorted()).toEqual(
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}`)
        .toSorted(),
    );
  });

  it('says why where it cannot become the command', () => {
    const [perl = ''] = findPrograms('perl', path);
    const [file, ...words] = landlockLauncher(perl, confinement, 'whole');
    const { stderr, status } = spawnSync(file, [...words, '/nowhere'], { env: {}, encoding: 'utf8' });
    expect(status).toBe(125);
    expect(stderr).toContain('landlock: ');
  });
});
