import { arch } from 'node:process';

/** Namespaces a process is started in, and what becomes of it there before it becomes a command. */
export interface Entry {
  /** Process 1 of the pid namespace, as we see it. */
  initPid: number;
  /** The number of setns(2) on this machine. */
  setns: number;
  /** As /proc/PID/ns names them, in the order they are entered. */
  namespaces: readonly string[];
  /** Its calls are filtered by this, and its capabilities dropped; undefined: neither. */
  filter: Buffer | undefined;
}

/** From arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux. */
const setnsNumbers: Partial<Record<NodeJS.Architecture, number>> = { x64: 308, arm64: 268 };

/** undefined on a machine whose calls are not known. */
export function entryOf(
  initPid: number,
  namespaces: readonly string[],
  filter: Buffer | undefined,
): Entry | undefined {
  const setns = setnsNumbers[arch];
  return setns === undefined ? undefined : { initPid, setns, namespaces, filter };
}
