import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { tryCheck, type Check } from '../../cli/doctor/check.ts';
import { checkCommands } from '../../cli/doctor/commands.ts';
import { checkDatabase, checkSpace } from '../../cli/doctor/system.ts';
import { closeAfterWriting, openForWriting } from '../../coordinator/store/database.ts';
import { capturedEnvironment, checkPrograms } from '../../cli/doctor/programs.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { createFleet } from '../helpers/fleet.ts';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync('/var/tmp/fleet-doctor-'));
  mkdirSync(join(root, 'bin'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function program(name: string): void {
  const file = join(root, 'bin', name);
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
}

async function look(config: Record<string, unknown> = {}): Promise<Map<string, Check>> {
  const configFile = join(root, 'config.json');
  writeFileSync(configFile, JSON.stringify(config));
  const env = { HOME: root, CODEX_FLEET_CONFIG: configFile, CODEX_FLEET_STATE_DIR: join(root, 'state') };
  const paths = fleetPaths(env);
  const checks = await checkPrograms(paths, capturedEnvironment(paths, { ...env, PATH: join(root, 'bin') }));
  return new Map(checks.map((check) => [check.name, check]));
}

describe('the disk', () => {
  it.each([
    [512 * 1024 ** 2, 'ok', '537 MB'],
    [512 * 1024 ** 2 - 1, 'warning', '537 MB'],
    [1024 ** 2, 'warning', '1.0 MB'],
    [1024 ** 2 - 1, 'failed', '1.0 MB'],
    [0, 'failed', '0 B'],
  ])('with %i bytes free is %s', (bytes, state, words) => {
    const paths = fleetPaths({ HOME: root, CODEX_FLEET_STATE_DIR: join(root, 'not', 'made', 'yet') });
    const asked: string[] = [];
    const check = checkSpace(paths, (dir) => {
      asked.push(dir);
      return bytes;
    });
    expect(check).toMatchObject({ name: 'disk space', state, found: `${words} free for the state folder` });
    expect(check.fix === undefined).toBe(state === 'ok');
    expect(asked).toEqual([root]);
  });

  it('is really asked', () => {
    const { state, found } = checkSpace(fleetPaths({ HOME: root, CODEX_FLEET_STATE_DIR: '/proc' }));
    expect([state, found]).toEqual(['failed', '0 B free for the state folder']);
  });
});

describe('the database', () => {
  async function database(): Promise<Check[]> {
    const paths = fleetPaths({ HOME: root, CODEX_FLEET_STATE_DIR: root });
    return tryCheck('database', 'nothing', async () => [await checkDatabase(paths)]);
  }
  const file = (): string => join(root, 'fleet.db');

  it('may not be there yet', async () => {
    expect(await database()).toEqual([
      { name: 'database', state: 'ok', found: `${file()} (made at the first start)` },
    ]);
  });

  it('is whole', async () => {
    closeAfterWriting(openForWriting(file()));
    expect((await database())[0]).toMatchObject({
      state: 'ok',
      found: expect.stringContaining('KB, whole)'),
    });
  });

  it.each([
    ['overwritten at its begin', 0],
    ['overwritten in the middle', 0.5],
  ])('%s is damaged, and what to do is said', async (_, where) => {
    closeAfterWriting(openForWriting(file()));
    const bytes = readFileSync(file());
    bytes.fill(0xa5, where * bytes.length, where * bytes.length + 8192);
    writeFileSync(file(), bytes);
    const [check] = await database();
    expect(check).toMatchObject({
      state: 'failed',
      found: `The database ${file()} is damaged or no database at all.`,
      fix: expect.stringContaining('Restore it from a backup'),
    });
  });

  it('of another program is left alone', async () => {
    const other = new Database(file());
    other.exec('CREATE TABLE theirs (a)');
    other.close();
    expect((await database())[0]).toMatchObject({
      state: 'failed',
      found: `${file()} is a database of another program.`,
      fix: expect.stringContaining('Move that file away'),
    });
  });
});

describe('the programs of "commands"', () => {
  it('are named, those that are missing or have changed with why', () => {
    program('tool');
    const configFile = join(root, 'config.json');
    const commands = [
      { argv: ['tool', 'check'] },
      { argv: ['tool'], sha256: '0'.repeat(64) },
      { binary: 'git' },
    ];
    writeFileSync(configFile, JSON.stringify({ commands, path: [join(root, 'bin')] }));
    const paths = fleetPaths({ HOME: root, CODEX_FLEET_CONFIG: configFile });
    const [all, ...faults] = checkCommands(paths, {});
    expect(all).toEqual({ name: 'commands', state: 'ok', found: 'tool' });
    expect(faults.map(({ name, state }) => [name, state])).toEqual([
      ['command tool', 'warning'],
      ['command git', 'warning'],
    ]);
    expect(faults[0]?.found).toMatch(/has the sha256 [0-9a-f]{64}, and the entry of "commands" wants 0{64}/);
    expect(faults[1]?.found).toBe('git is not on the PATH of runs');
  });
});

describe('what is missing on the PATH for runs', () => {
  it('is named, each with its fix', async () => {
    const checks = await look();
    expect(checks.get('PATH for runs')?.found).toBe(
      `${join(root, 'bin')} (of this shell; \`codex-fleet up\` takes it over)`,
    );
    for (const name of ['git', 'codex', 'bwrap']) {
      expect(checks.get(name), name).toMatchObject({
        state: 'warning',
        found: 'missing on the PATH for runs',
      });
      expect(checks.get(name)?.fix).toMatch(/install/i);
    }
  });

  it('is nothing where all is there', async () => {
    for (const name of ['git', 'codex', 'bwrap']) program(name);
    const checks = await look();
    for (const name of ['git', 'codex', 'bwrap']) {
      expect(checks.get(name)).toEqual({ name, state: 'ok', found: join(root, 'bin', name) });
    }
  });

  it('is looked for where the configuration says', async () => {
    program('git');
    symlinkSync(join(root, 'bin'), join(root, 'other'));
    const checks = await look({ path: [join(root, 'other')], codex: { binary: join(root, 'bin', 'git') } });
    expect(checks.get('PATH for runs')?.found).toContain('of the configuration');
    expect(checks.get('git')?.found).toBe(join(root, 'other', 'git'));
    expect(checks.get('codex')?.found).toBe(join(root, 'bin', 'git'));
  });

  it('is judged by the PATH the running coordinator was started with', { timeout: 60_000 }, async () => {
    const fleet = await createFleet({ workers: { count: 0 } });
    onTestFinished(() => fleet.close());
    const started = `/usr/bin:/bin:${join(root, 'bin')}`;
    fleet.env['PATH'] = `${started}:relative`;
    expect((await fleet.cli('up')).code).toBe(0);
    fleet.env['PATH'] = '/usr/bin:/bin';
    const { stdout } = await fleet.cli('doctor', '--json');
    const checks: Check[] = JSON.parse(stdout).checks;
    expect(checks.find(({ name }) => name === 'PATH for runs')?.found).toBe(
      `${started} (as the coordinator was started with)`,
    );
  });
});
