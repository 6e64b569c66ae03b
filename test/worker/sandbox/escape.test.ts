import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxProfile } from '../../../schemas/sandbox.ts';
import {
  allAttacks,
  attacksOfRoot,
  attacksOnCalls,
  attacksOnInherited,
  attacksWithoutTwin,
  scriptsOf,
} from './attacks.ts';
import { path } from '../runner/support.ts';
import { openEscapePlace, type EscapePlace } from './escape-place.ts';

type Try = [profile: SandboxProfile, tried: Record<string, string>];

const isRoot = process.geteuid?.() === 0;
/** Nobody's, on every Linux. */
const otherUser = 65_534;

/** Where sessions of users have theirs; only root can make one. */
const runtime = mkdtempSync(isRoot ? '/run/fe-' : '/tmp/fe-run-');

const real = { ...allAttacks, ...(isRoot ? attacksOfRoot : {}) };
const bare: Try = ['off', scriptsOf(real, attacksOnCalls, attacksWithoutTwin)];
const held: Try = ['default', scriptsOf(allAttacks, attacksOfRoot, attacksWithoutTwin)];
const strict: Try = ['strict', scriptsOf(allAttacks, attacksOfRoot, attacksOnCalls, attacksWithoutTwin)];

/** What commands do all day long. */
const work = {
  'write-here': 'echo x > here && rm here',
  'write-tmp': 'echo x > /tmp/x && test "$TMPDIR" = /tmp',
  node: '"$NODE" -e "process.exit(0)"',
  git: 'git init -q repo && cd repo && git status && cd .. && rm -r repo',
  threads: `"$NODE" -e 'new (require("worker_threads").Worker)("process.exit(0)",{eval:true})'`,
  devices: 'head -c 4 /dev/urandom && echo x > /dev/null',
};

let place: EscapePlace;

beforeAll(async () => {
  place = await openEscapePlace(runtime);
});
afterAll(async () => {
  await place.close();
  rmSync(runtime, { recursive: true, force: true });
});

describe('a command that wants out', () => {
  it('gets through where nothing confines it: every attack is a real one', async () => {
    const got = await place.escapes(...bare);
    process.stdout.write(`"off" lets through, as ${isRoot ? 'root' : 'a user'}: ${got.join(' ')}\n`);
    expect(Object.keys(real).filter((name) => !got.includes(name))).toEqual([]);
  });

  it('does not under default', async () => {
    expect(await place.escapes(...held)).toEqual([]);
  });

  it('does not under strict, and finds doors of the kernel closed', async () => {
    expect(await place.escapes(...strict)).toEqual([]);
  });

  it('is not led out by a workspace that becomes a link while it runs', async () => {
    const way = join(place.root, 'way-in');
    for (const profile of ['default', 'strict'] as const) {
      rmSync(way, { force: true });
      symlinkSync(join(place.root, 'ws'), way);
      const tried = {
        'write-here': 'echo x > here && rm here',
        'write-where-it-leads': `until [ -e go ]; do sleep 0.02; done; echo x > "${way}/led" || ls "${way}"/id_ed25519`,
        'go-where-it-leads': `cd "${way}" && cat id_ed25519`,
      };
      let isLed = false;
      const heard = (said: string): void => {
        if (isLed || !said.includes('GOT write-here')) return;
        isLed = true;
        rmSync(way);
        symlinkSync(join(place.root, 'home', '.ssh'), way);
        writeFileSync(join(place.root, 'ws', 'go'), '');
      };
      expect(await place.escapes(profile, tried, { cwd: way, heard })).toEqual(['write-here']);
      rmSync(join(place.root, 'ws', 'go'));
    }
  });

  it('may do under each what runs are for', async () => {
    for (const profile of ['default', 'strict'] as const) {
      expect(await place.escapes(profile, work)).toEqual(Object.keys(work));
    }
  });
});

describe.runIf(isRoot)('a command of a normal user that wants out', () => {
  it('gets through where nothing confines it, and nowhere else', async () => {
    const folder = mkdtempSync('/run/fe-');
    chownSync(folder, otherUser, otherUser);
    try {
      const tries = [bare, held, strict].map(([profile, tried]) => [
        profile,
        { ...tried, ...scriptsOf(attacksOnInherited) },
      ]);
      const [off = [], ...confined] = await tryAs(otherUser, folder, JSON.stringify(tries));
      process.stdout.write(`"off" lets through, as another user: ${off.join(' ')}\n`);
      expect(confined).toEqual([[], []]);
      const all = Object.keys({ ...allAttacks, ...attacksOnInherited });
      expect(all.filter((name) => !off.includes(name))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

async function tryAs(uid: number, folder: string, tries: string): Promise<string[][]> {
  const program = join(import.meta.dirname, 'escape-as.ts');
  const leftOpen = openSync('/dev/null', 'r');
  // Node itself shuts the first sixteen; what is further up stays with whatever it starts.
  const further = Array.from({ length: 37 }, () => 'ignore' as const);
  const child = spawn(process.execPath, ['--import', 'tsx', program, folder, tries], {
    cwd: join(import.meta.dirname, '..', '..', '..'),
    env: { PATH: path, HOME: folder, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit', ...further, leftOpen],
    uid,
    gid: uid,
  });
  closeSync(leftOpen);
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(said);
}
