import { existsSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { effectiveConfig, loadConfig } from '../../platform/config.ts';
import { findInstall } from '../../platform/install.ts';
import type { Environment } from '../../platform/environment.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { hasPrivateMemory } from '../../platform/private-memory.ts';
import { recordedProcesses } from '../fleet/process-record.ts';
import { formatBytes } from '../output.ts';
import type { Check } from './check.ts';

const oldestNode = [20, 19] as const;
/** Less may be gone with the next outputs. */
const littleSpace = 512 * 1024 ** 2;
/** Less than a database that is made anew needs, and its log. */
const tooLittleSpace = 1024 ** 2;

export function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  const check = { name: 'node', found: process.version };
  return fits
    ? { ...check, state: 'ok' }
    : { ...check, state: 'failed', fix: 'Install Node 20.19 or newer.' };
}

/** Really opens a database as the coordinator does: library, version and durability. */
export async function checkSqlite(): Promise<Check> {
  const { openForWriting, closeAfterWriting } = await import('../../coordinator/store/database.ts');
  const folder = mkdtempSync(join(tmpdir(), 'fleet-doctor-'));
  try {
    closeAfterWriting(openForWriting(join(folder, 'check.db')));
    return { name: 'sqlite', state: 'ok', found: 'opens, migrates and commits durably' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function checkConfig(paths: FleetPaths): Check {
  const config = effectiveConfig(loadConfig(paths.configFile), findInstall());
  const there = statSync(paths.configFile, { throwIfNoEntry: false }) !== undefined;
  const pipelines = Object.keys(config.pipelines).join(', ');
  return {
    name: 'configuration',
    state: 'ok',
    found: `${there ? paths.configFile : 'defaults'}; pipelines ${pipelines}`,
  };
}

/** Whether private values are kept from the disk, how many were, and where engines keep what they need to go on. */
export async function checkPrivacy(paths: FleetPaths, env: Environment): Promise<Check> {
  const { mode, types } = loadConfig(paths.configFile).privacy;
  const check = { name: 'privacy', state: 'ok' } as const;
  if (mode === 'off') return { ...check, found: 'off: private values are kept as they are' };
  const replaced = `enforce: ${types.join(', ')} are replaced${await replacedSoFar(paths)}`;
  if (hasPrivateMemory(env)) return { ...check, found: replaced };
  return {
    name: 'privacy',
    state: 'warning',
    found: `${replaced}; there is no tmpfs for what engines keep of conversations`,
    fix: 'Mount one at /dev/shm; "privacy.without_memory" says what happens without.',
  };
}

async function replacedSoFar({ database }: FleetPaths): Promise<string> {
  if (statSync(database, { throwIfNoEntry: false }) === undefined) return '';
  const { openVaultReader } = await import('../../coordinator/store/vault-store.ts');
  const vault = openVaultReader(database);
  try {
    const counts = Object.entries(vault.replaced()).map(([type, many]) => `${type} ${String(many)}`);
    return counts.length === 0 ? '' : `; in the runs that are kept: ${counts.join(', ')}`;
  } finally {
    vault.close();
  }
}

/** Only this user may enter the state folder. */
export function checkStateFolder(paths: FleetPaths): Check {
  const check = { name: 'state folder', found: paths.stateDir };
  const stat = statSync(paths.stateDir, { throwIfNoEntry: false });
  if (stat === undefined)
    return { ...check, state: 'ok', found: `${paths.stateDir} (made at the first start)` };
  const mode = (stat.mode & 0o777).toString(8);
  if ((stat.mode & 0o077) === 0) return { ...check, state: 'ok', found: `${paths.stateDir} (mode ${mode})` };
  return {
    ...check,
    state: 'failed',
    found: `${paths.stateDir} has mode ${mode}`,
    fix: `chmod 700 ${paths.stateDir}`,
  };
}

/** Whether the fleet can go on writing: its database, outputs and logs are all in this folder. */
export function checkSpace({ stateDir }: FleetPaths, free: (dir: string) => number = freeBytes): Check {
  const name = 'disk space';
  const bytes = free(firstThere(stateDir));
  const found = `${formatBytes(bytes)} free for the state folder`;
  if (bytes >= littleSpace) return { name, state: 'ok', found };
  const fix = `Free disk space where ${stateDir} is; \`codex-fleet gc\` tells what could go.`;
  return { name, state: bytes < tooLittleSpace ? 'failed' : 'warning', found, fix };
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

/** The folder, or the next above it that there is. */
function firstThere(dir: string): string {
  return existsSync(dir) || dirname(dir) === dir ? dir : firstThere(dirname(dir));
}

/** The fleet's own database, as it lies there. */
export async function checkDatabase({ database }: FleetPaths): Promise<Check> {
  const stat = statSync(database, { throwIfNoEntry: false });
  if (stat === undefined)
    return { name: 'database', state: 'ok', found: `${database} (made at the first start)` };
  const { examineDatabase } = await import('../../coordinator/store/examine.ts');
  examineDatabase(database);
  return { name: 'database', state: 'ok', found: `${database} (${formatBytes(stat.size)}, whole)` };
}

/** A coordinator's record without its process means that it crashed; workers without a coordinator wait. */
export function checkProcesses(paths: FleetPaths): Check {
  const records = recordedProcesses(paths);
  const running = records
    .filter((record) => record.running)
    .map(({ name, pid }) => `${name} (pid ${String(pid)})`);
  const gone = records.filter((record) => !record.running).map(({ name }) => name);
  const orphaned = running.length > 0 && !running.some((name) => name.startsWith('coordinator '));
  const found = running.length === 0 ? 'none running' : running.join(', ');
  if (orphaned) {
    const fix = '`codex-fleet up` takes these workers back, `codex-fleet down` ends them.';
    return { name: 'processes', state: 'warning', found: `${found}, but no coordinator`, fix };
  }
  if (gone.length === 0) return { name: 'processes', state: 'ok', found };
  const fix = '`codex-fleet up` goes on where they stopped.';
  return {
    name: 'processes',
    state: 'warning',
    found: `${found}; ended without saying so: ${gone.join(', ')}`,
    fix,
  };
}
