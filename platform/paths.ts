import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { FleetError } from '../core/errors.ts';
import type { Environment } from './environment.ts';

/** A Unix socket's path fits 107 bytes on Linux, 103 on macOS; names below the folder take some. */
const maxSocketDirBytes = 75;

export interface FleetPaths {
  configFile: string;
  /** 0700; everything that must survive a restart. */
  stateDir: string;
  /** 0700; Unix sockets only. The state folder, or a short stand-in where its path is too long. */
  socketDir: string;
  coordinatorSocket: string;
  database: string;
  lockFile: string;
  /** Bearer secret of the HTTP front as clients read it, 0600. */
  secretFile: string;
  /** Hashes of it and of all other tokens, 0600. */
  tokenFile: string;
  portFile: string;
  /** Keys of the vault's keys, 0600. */
  masterKeyFile: string;
  /** Project files the user trusts. */
  trustFile: string;
  /** Workers elsewhere that may get runs, and their keys. */
  enrolmentFile: string;
  /** Certificates of `codex-fleet certs`, and the authority they are of. */
  certsDir: string;
  /** Held while one process renews the Codex sign-in. */
  signInLock: string;
  logDir: string;
  exportMark: string;
  /** Stored outputs by their hash, of all processes of this state folder. */
  blobDir: string;
  /** Copies of what workers elsewhere keep. */
  replicaDir: string;
  workerDir(id: string): string;
  workerSocket(id: string): string;
}

/** Where everything lives (XDG base-directory spec; `CODEX_FLEET_STATE_DIR` and `_CONFIG` override). */
export function fleetPaths(env: Environment): FleetPaths {
  const home = env['HOME'] ?? homedir();
  const stateDir =
    env['CODEX_FLEET_STATE_DIR'] ??
    join(env['XDG_STATE_HOME'] ?? join(home, '.local', 'state'), 'codex-fleet');
  const configFile =
    env['CODEX_FLEET_CONFIG'] ??
    join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'codex-fleet', 'config.json');
  const socketDir = socketFolder(stateDir, env);
  return {
    configFile,
    stateDir,
    socketDir,
    coordinatorSocket: join(socketDir, 'fleet.sock'),
    database: join(stateDir, 'fleet.db'),
    lockFile: join(stateDir, 'coordinator.lock'),
    secretFile: join(stateDir, 'http-secret'),
    tokenFile: join(stateDir, 'tokens.json'),
    portFile: join(stateDir, 'http-port'),
    masterKeyFile: join(stateDir, 'master-key'),
    trustFile: join(stateDir, 'trust.json'),
    enrolmentFile: join(stateDir, 'enrolled.json'),
    certsDir: join(stateDir, 'certs'),
    signInLock: join(stateDir, 'sign-in.lock'),
    logDir: join(stateDir, 'log'),
    exportMark: join(stateDir, 'exported.json'),
    blobDir: join(stateDir, 'blobs'),
    replicaDir: join(stateDir, 'replicas'),
    workerDir: (id) => join(stateDir, 'workers', id),
    workerSocket: (id) =>
      join(socketDir, `w-${createHash('sha256').update(id).digest('hex').slice(0, 12)}.sock`),
  };
}

function socketFolder(stateDir: string, env: Environment): string {
  if (Buffer.byteLength(stateDir) <= maxSocketDirBytes) return stateDir;
  const digest = createHash('sha256').update(stateDir).digest('hex').slice(0, 12);
  const runtime = env['XDG_RUNTIME_DIR'];
  const base =
    runtime !== undefined && Buffer.byteLength(runtime) <= maxSocketDirBytes - 30 ? runtime : tmpdir();
  return join(base, `codex-fleet-${String(userInfo().uid)}-${digest}`);
}

/**
 * Makes a private folder (0700) and everything above it. INVALID_INPUT where the
 * path is a symbolic link, not a folder, or another user's.
 */
export function makePrivateDir(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const stat = lstatSync(dir);
  if (!stat.isDirectory()) throw new FleetError('INVALID_INPUT', `${dir} is not a folder.`);
  if (stat.uid !== userInfo().uid) throw new FleetError('INVALID_INPUT', `${dir} belongs to another user.`);
  if ((stat.mode & 0o077) !== 0) chmodSync(dir, 0o700);
}
