import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC as the kernel writes it in /proc/<pid>/fdinfo/<fd>, octal, on every architecture Node runs on. */
const closedOnExec = 0o2_000_000;

/**
 * Closes what whoever started this process left open for it, such as a terminal's or an editor's files:
 * what we start would have it as well. Node opens nothing of its own so. Only where there is a /proc.
 */
export function closeInherited(): void {
  for (const name of list('/proc/self/fd')) {
    const fd = Number(name);
    if (fd > 2 && isLeftOpen(name)) closeSync(fd);
  }
}

function isLeftOpen(name: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closedOnExec) === 0;
  } catch {
    // The one the list was read from.
    return false;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
