import { describe, expect, it } from 'vitest';
import { cgroupTables, findControllers } from '../../../servers/worker/limits/controllers.ts';

const mount = (root: string, folder: string, rest: string): string =>
  `30 25 0:26 ${root} ${folder} rw,relatime shared:9 - ${rest}`;

function find(mounts: string[], own: string[], files: Record<string, string> = {}) {
  const read = (file: string): string => files[file] ?? '';
  return Object.fromEntries(findControllers({ mounts: mounts.join('\n'), own: own.join('\n'), read }));
}

describe('cgroup v1', () => {
  const mounts = [
    mount('/', '/', 'ext4 /dev/sda rw'),
    mount('/', '/cg/memory', 'cgroup cgroup rw,memory'),
    mount('/', '/cg/cpu,cpuacct', 'cgroup cgroup rw,cpu,cpuacct'),
    mount('/box', '/cg/pids', 'cgroup cgroup rw,pids'),
  ];

  it('is found below the own group of each hierarchy', () => {
    expect(find(mounts, ['4:memory:/a/b', '3:cpu,cpuacct:/', '2:pids:/box/c', '0::/'])).toEqual({
      memory: { version: 1, parent: '/cg/memory/a/b' },
      cpu: { version: 1, parent: '/cg/cpu,cpuacct' },
      cpuacct: { version: 1, parent: '/cg/cpu,cpuacct' },
      pids: { version: 1, parent: '/cg/pids/c' },
    });
  });

  it('is not found outside of what a container sees', () => {
    expect(find(mounts, ['2:pids:/elsewhere'])).toEqual({});
  });
});

describe('cgroup v2', () => {
  const mounts = [mount('/', '/cg', 'cgroup2 cgroup2 rw')];
  const own = ['0::/user/app/scope'];
  const counted = { version: 2, parent: '/cg/user/app/scope' };

  it('is the nearest group above that hands a controller on', () => {
    const found = find(mounts, own, {
      '/cg/user/app/cgroup.subtree_control': 'memory pids\n',
      '/cg/user/cgroup.subtree_control': 'cpu memory pids\n',
      '/cg/user/app/scope/memory.max': 'max\n',
    });
    const app = { version: 2, parent: '/cg/user/app' };
    expect(found).toEqual({
      memory: app,
      pids: app,
      cpu: { version: 2, parent: '/cg/user' },
      cpuacct: counted,
    });
  });

  it('leaves no group that is bounded', () => {
    const files = {
      '/cg/user/app/cgroup.subtree_control': 'memory',
      '/cg/user/app/scope/memory.max': '1000\n',
    };
    expect(find(mounts, own, files)).toEqual({ cpuacct: counted });
  });

  it('counts CPU time where nothing is handed on', () => {
    expect(find(mounts, own)).toEqual({ cpuacct: counted });
  });

  it('serves what no hierarchy of its own has', () => {
    const both = [...mounts, mount('/', '/one/memory', 'cgroup cgroup rw,memory')];
    const found = find(both, ['1:memory:/m', '0::/'], { '/cg/cgroup.subtree_control': 'pids memory' });
    expect(found).toEqual({
      memory: { version: 1, parent: '/one/memory/m' },
      pids: { version: 2, parent: '/cg' },
      cpuacct: { version: 2, parent: '/cg' },
    });
  });
});

it('finds nothing where the kernel tells nothing', () => {
  expect(find([], [])).toEqual({});
  expect(typeof cgroupTables().read('/proc/self/mountinfo')).toBe('string');
  expect(cgroupTables().read('/nowhere')).toBe('');
});
