import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
/** Every package is installed again, and better-sqlite3 compiled where there is no prebuilt one. */
const installTimeoutMs = 480_000;

let folder: string;
let home: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-clone-'));
  home = join(folder, 'home');
  await mkdir(home);
  const { stdout } = await execute('npm', ['config', 'get', 'cache'], { cwd: root });
  // What has to be compiled is, for once, not worth optimizing: that takes most of the time.
  const compiler = { CFLAGS: '-O0', CXXFLAGS: '-O0' };
  env = { PATH: process.env['PATH'] ?? '', HOME: home, npm_config_cache: stdout.trim(), ...compiler };
  await execute('git', ['clone', '--quiet', root, join(folder, 'clone')]);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it(
  'the quickstart of a fresh clone with an empty HOME runs a whole fleet and leaves nothing running',
  async () => {
    const clone = join(folder, 'clone');
    const { stdout, stderr } = await execute('npm', ['run', '--silent', 'quickstart'], { cwd: clone, env });
    expect(stdout).toMatch(/^run +worker +status +queued +first output +duration +kept +tokens kept out$/m);
    expect(stdout.match(/ completed \(exit 0\) /g)).toHaveLength(6);
    expect(stdout).toContain('6 of 6 runs completed');
    expect(stderr).toMatch(/languages · running · on local-\d/);

    const [, words] = /^ {2}(CODEX_FLEET_STATE_DIR=.*)$/m.exec(stdout) ?? [];
    const read = await execute('env', words?.split(' ') ?? [], { cwd: folder, env });
    expect(read.stdout.length).toBeGreaterThan(0);

    const { stdout: processes } = await execute('ps', ['-eo', 'args']);
    expect(processes.split('\n').filter((line) => line.includes(clone))).toEqual([]);
    const { stdout: status } = await execute('git', ['status', '--porcelain'], { cwd: clone });
    expect(status).toBe('');
  },
  installTimeoutMs,
);
