import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { layersOf } from '../../../core/sandbox.ts';
import { limitLayers, limitState, type LimitLayer } from '../../../schemas/limits.ts';
import { layerState, sandboxLayers, sandboxProfiles, type SandboxLayer } from '../../../schemas/sandbox.ts';
import { findPrograms } from '../../../servers/worker/runner/find-programs.ts';
import { path } from '../runner/support.ts';
import {
  allAttacks,
  attacks,
  attacksOfRoot,
  attacksOnCalls,
  attacksWithoutTwin,
  scriptsOf,
} from './attacks.ts';

const project = join(import.meta.dirname, '..', '..', '..');
const program = join('test', 'fixtures', 'bin', 'hold-here.mjs');
const isRoot = process.geteuid?.() === 0;
const [perl = ''] = findPrograms('perl', path);
const landlockVersion = Number(
  spawnSync(perl, ['-e', 'print syscall 444, 0, 0, 1'], { encoding: 'utf8' }).stdout,
);

/** A place of mounts of its own, in which root shapes the machine; others become its root first. */
const ownMounts = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--mount'];
const noUsers = 'echo 0 > /proc/sys/user/max_user_namespaces';
const noCapabilities = 'setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all --';
const noBwrap = findPrograms('bwrap', path).map((file) => `mount --bind /dev/null ${file} 2>/dev/null`);
const noCgroups = 'mount -t tmpfs none /sys/fs/cgroup';
/** Where a program of the project lies for who may not enter the folders above it. */
const movedProject = '/mnt';

const as = (words: readonly string[], ...steps: string[]): string[] => [
  ...words,
  '/bin/sh',
  '-c',
  steps.join(' && '),
  'sh',
];
const become = 'exec "$@"';
/** Becomes what follows, with a filter that knows no landlock_create_ruleset(2): as on a kernel without it. */
const noLandlock = `
my $prctl = ${process.arch === 'arm64' ? '167' : '157'};
my $filter = pack "(SCCL)*", 0x20, 0, 0, 0, 0x15, 0, 1, 444, 6, 0, 0, 0x50026, 6, 0, 0, 0x7fff0000;
my $program = pack "S x6 P", 4, $filter;
syscall $prctl, 38, 1, 0, 0, 0;
die "seccomp: $!" if syscall($prctl, 22, 2, $program, 0, 0) < 0;
exec @ARGV`;
const nobody = 'exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"';

interface Shape {
  through: string[];
  by: 'namespaces' | 'landlock' | 'nothing';
  /** The sandbox is the same, and limits are what a process without rights gets. */
  isMoved?: boolean;
}

/** Made for one process each, and nothing of this machine is changed. */
const shapes: Record<string, Shape> = {
  [isRoot ? 'as root' : 'as root of its own namespace']: {
    through: isRoot ? ['env'] : ['unshare', '--user', '--map-root-user'],
    by: 'namespaces',
  },
  'as a normal user': {
    through: isRoot ? as(ownMounts, `mount --bind ${project} ${movedProject}`, nobody) : ['env'],
    by: 'namespaces',
    isMoved: isRoot,
  },
  'without cgroups': { through: as(ownMounts, noCgroups, become), by: 'namespaces' },
  'without bubblewrap': {
    through: as(ownMounts, `{ ${noBwrap.join('; ')}; true; }`, become),
    by: 'landlock',
  },
  'without user namespaces, as root of nothing': {
    through: as(['unshare', '--user', '--map-root-user'], noUsers, `exec ${noCapabilities} "$@"`),
    by: 'landlock',
  },
  'without user namespaces and cgroups, as a normal user': {
    through: as(
      ['unshare', '--user', '--map-user=65534', '--map-group=65534', '--keep-caps', '--mount'],
      noCgroups,
      noUsers,
      `exec ${noCapabilities} "$@"`,
    ),
    by: 'landlock',
  },
  'without user namespaces and Landlock': {
    through: [
      ...as(['unshare', '--user', '--map-root-user'], noUsers, `exec ${noCapabilities} "$@"`),
      perl,
      '-e',
      noLandlock,
    ],
    by: 'nothing',
  },
};

const sandboxRows = sandboxProfiles.flatMap((profile) =>
  [
    [],
    [...sandboxLayers],
    ...sandboxLayers.map((layer) => [layer]),
    ...sandboxLayers.map((layer) => sandboxLayers.filter((one) => one !== layer)),
  ].map((allow_degraded) => ({ profile, allow_degraded })),
);

/** For each limit what goes beyond it, and what it says where it gets away with that. */
const bombs: Record<LimitLayer, { limits: Record<string, number>; script: string; away: RegExp }> = {
  memory: {
    limits: { memory_bytes: 2 ** 25 },
    script: 'x=$(head -c 100663296 /dev/zero | tr "\\0" x); echo "${#x}"',
    away: /100663296/,
  },
  cpu: {
    limits: { cpu_ms: 200 },
    script: 'timeout 5 sh -c "while :; do :; done"; echo away',
    away: /away/,
  },
  cpu_rate: {
    limits: { cpu_cores: 0.1 },
    script: 'timeout 0.5 sh -c "while :; do :; done"; times',
    away: /0m0\.[3-9]\d*s \S+\s*$|0m[1-9]\S* \S+\s*$/,
  },
  processes: {
    limits: { processes: 8 },
    script: '(n=0; while [ $n -lt 20 ]; do sleep 1 & n=$((n + 1)); done; echo away)',
    away: /away/,
  },
  disk: {
    limits: { disk_bytes: 65_536 },
    script: 'head -c 1048576 /dev/zero > large && echo away',
    away: /away/,
  },
  files: {
    limits: { open_files: 24 },
    script: 'f() { [ "$1" -eq 0 ] || f $(($1 - 1)) < /dev/null; }; f 32 && echo away',
    away: /away/,
  },
};

/** Inside of the sandbox, as far as that goes: one must not undo the other. */
const limitRows = limitLayers.flatMap((layer) =>
  [[], [layer]].map((allow_degraded) => ({
    layer,
    allow_degraded,
    script: bombs[layer].script,
    config: {
      limits: { ...bombs[layer].limits, allow_degraded },
      sandbox: { profile: 'default', allow_degraded: [...sandboxLayers] },
    },
  })),
);

const refusal = z.object({ refused: z.object({ code: z.string(), message: z.string(), next: z.string() }) });
const held = z.object({
  said: z.string(),
  notes: z.array(z.string()),
  degraded: z.array(z.string()),
  reached: z.array(z.string()),
});
const answer = z.object({
  reaping: z.string(),
  states: z.array(layerState),
  limitStates: z.array(limitState),
  rows: z.array(z.union([refusal, held])),
  bombs: z.array(z.union([refusal, held])),
});
type Answer = z.infer<typeof answer>;

async function tryIn({ through, isMoved = false }: Shape): Promise<Answer> {
  const request = JSON.stringify({ path, sandboxRows, limitRows, attacks: scriptsOf(attacks) });
  const [file, ...words] = [...through, process.execPath, join(isMoved ? movedProject : project, program)];
  const { stdout } = await promisify(execFile)(file, [...words, request], { cwd: '/' });
  return answer.parse(JSON.parse(stdout));
}

function layerOf(attack: string): SandboxLayer | undefined {
  return attacks[attack]?.layer;
}

const names = Object.keys(attacks);
const told = new Map<string, Answer>();

beforeAll(async () => {
  const trying = Object.entries(shapes).map(async ([name, shape]) => told.set(name, await tryIn(shape)));
  await Promise.all(trying);
}, 60_000);

function toldIn(shape: string): Answer {
  const found = told.get(shape);
  if (found === undefined) throw new Error(`Nothing came of ${shape}.`);
  return found;
}

describe.each(Object.entries(shapes))('a machine %s', (name, { by }) => {
  const holds = by === 'namespaces' || (by === 'landlock' && landlockVersion >= 6);

  it('is known for what it is', () => {
    const { states, reaping } = toldIn(name);
    const weaker = by === 'namespaces' ? [] : holds ? ['processes'] : [...sandboxLayers];
    expect(states.filter(({ state }) => state !== 'enforced').map(({ layer }) => layer)).toEqual(weaker);
    expect(reaping === 'pid_namespace').toBe(by === 'namespaces');
  });

  it('refuses each sandbox that is not enforced, or lets nothing through', () => {
    const { states, rows } = toldIn(name);
    for (const [at, row] of rows.entries()) {
      const { profile = 'off', allow_degraded: allowed = [] } = sandboxRows[at] ?? {};
      const weaker = states.filter(
        ({ layer, state }) => state !== 'enforced' && layersOf[profile].includes(layer),
      );
      if (weaker.some(({ layer }) => !allowed.includes(layer))) {
        expect(row).toEqual({
          refused: {
            code: 'SANDBOX_UNAVAILABLE',
            message: expect.stringContaining(`"${profile}"`),
            next: expect.stringMatching(/^[^\n]{20,}$/),
          },
        });
        continue;
      }
      const { said, notes, degraded } = held.parse(row);
      const got = [...said.matchAll(/^GOT (.+)$/gm)].map(([, attack = '']) => attack);
      expect(said).toContain('DONE');
      if (profile === 'off') {
        expect(got, 'every attack is a real one').toEqual(names);
        continue;
      }
      const areModesFree = by === 'landlock' && holds && allowed.includes('filesystem');
      const less = [
        ...new Set([...(areModesFree ? ['filesystem'] : []), ...weaker.map(({ layer }) => layer)]),
      ];
      expect(degraded).toEqual(less);
      // Git changes modes.
      expect(said.includes('WORKS')).toBe(by !== 'landlock' || !holds || areModesFree);
      for (const layer of less) expect(notes.join()).toMatch(new RegExp(`${layer} (degraded|missing) \\(`));
      if (holds) expect(got).toEqual(areModesFree ? ['mode-outside'] : []);
      else expect(got.filter((attack) => !less.includes(layerOf(attack) ?? ''))).toEqual([]);
    }
  });

  it('refuses each limit that is not enforced, or lets nothing beyond it', () => {
    const { limitStates, bombs: tried } = toldIn(name);
    for (const [at, row] of tried.entries()) {
      const { layer = 'memory', allow_degraded: allowed = [] } = limitRows[at] ?? {};
      const { state = 'missing' } = limitStates.find((one) => one.layer === layer) ?? {};
      if (state !== 'enforced' && allowed.length === 0) {
        expect(row).toMatchObject({
          refused: { code: 'SANDBOX_UNAVAILABLE', next: expect.stringContaining('allow_degraded') },
        });
        continue;
      }
      const { said, notes, degraded } = held.parse(row);
      if (state === 'enforced') expect(said, layer).not.toMatch(bombs[layer].away);
      else {
        expect(degraded).toContain(layer);
        expect(notes.join()).toContain(`${layer} ${state} (`);
      }
    }
  });
});

describe('where Landlock is all there is', () => {
  /** In /proc, or by what has no place: the layer of processes is told to be held in part, and why. */
  const seen =
    'arguments-of-others pid-descriptor priority-of-others processors-of-others shared-memory message-queue semaphores listening-sockets names-of-sockets links';

  it.runIf(landlockVersion >= 6)('nothing gets out that is known, and some is seen', async () => {
    const folder = mkdtempSync(isRoot ? '/run/fe-' : '/tmp/fe-run-');
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const every = scriptsOf(allAttacks, attacksOfRoot, attacksWithoutTwin);
    const allowed = ['processes'];
    const tries = [
      ['off', scriptsOf(allAttacks)],
      ['default', every, { allowed }],
      ['strict', { ...every, ...scriptsOf(attacksOnCalls) }, { allowed }],
    ];
    const [file, ...words] = shapes['without user namespaces, as root of nothing']?.through ?? [];
    const { stdout } = await promisify(execFile)(
      file ?? '',
      // prettier-ignore
      [...words, process.execPath, '--import', 'tsx', join('test', 'worker', 'sandbox', 'escape-as.ts'), folder, JSON.stringify(tries)],
      { cwd: project, env: { PATH: path, HOME: folder, TMPDIR: '/tmp' } },
    );
    const [off, ...confined] = z.array(z.array(z.string())).parse(JSON.parse(stdout));
    expect(off?.toSorted()).toEqual(Object.keys(allAttacks).toSorted());
    expect(confined).toEqual([seen.split(' '), seen.split(' ')]);
  });
});

describe('all of them together', () => {
  it('have no row that is neither', () => {
    const answers = [...told.values()];
    const rows = answers.flatMap((one) => [...one.rows, ...one.bombs]);
    const refused = rows.filter((row) => 'refused' in row).length;
    expect(rows).toHaveLength(Object.keys(shapes).length * (sandboxRows.length + limitRows.length));
    process.stdout.write(
      `${String(rows.length)} of ${String(rows.length)} refused (${String(refused)}) or enforced, or allowed and told\n`,
    );
  });
});
