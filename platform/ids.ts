import { createHash } from 'node:crypto';
import { nanoid } from 'nanoid';
import { bootIdOf } from '../core/machine-boot.ts';

export function newRunId(): string {
  return `run_${nanoid(21)}`;
}

/** One life of a process; `machineBoot` names the boot of its machine, empty where that is not known. */
export function newBootId(machineBoot: string): string {
  return bootIdOf(machineBoot, nanoid(12));
}

/** A task of a caller who named none: the same for the same request key, else one of its own. */
export function newTaskId(key: string | undefined): string {
  return `task-${tailOf(key)}`;
}

/** The runs of one call; again the same for the same key. */
export function newGroupId(key: string | undefined): string {
  return `grp-${tailOf(key)}`;
}

function tailOf(key: string | undefined): string {
  return key === undefined ? nanoid(12) : createHash('sha256').update(key).digest('hex').slice(0, 12);
}
