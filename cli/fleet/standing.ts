import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../mcp/json-rpc.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { stillRuns, type ProcessIdentity } from '../../platform/process-identity.ts';
import { version } from '../../platform/version.ts';
import { bridgeProtocol } from '../../schemas/server-info.ts';

/** A coordinator as its record tells of it. Read without zod: a bridge looks at it at every connection. */
export interface Standing extends ProcessIdentity {
  version: string;
  /** What it speaks with bridges. */
  protocol: number;
}

/** What a coordinator of this program adds to its record. */
export const standingOfThis = { version, protocol: bridgeProtocol };

/** undefined where none runs. */
export function readStanding(paths: FleetPaths): Standing | undefined {
  return readLiving(join(paths.stateDir, 'process.json'));
}

/** The process a file names, with its version; undefined where it has ended. */
export function readLiving(file: string): Standing | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isRecord(value)) return undefined;
    const { pid, start, version: its, protocol } = value;
    if (typeof pid !== 'number' || typeof start !== 'string' || typeof its !== 'string') return undefined;
    const standing = { pid, start, version: its, protocol: typeof protocol === 'number' ? protocol : 0 };
    return stillRuns(standing) ? standing : undefined;
  } catch {
    return undefined;
  }
}
