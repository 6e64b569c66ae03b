import { dirname, join, sep } from 'node:path';

export const profileName = 'fleet';

/** What a sandboxed command may touch, besides the system's own programs and libraries. */
export interface ProfileFolders {
  /** The attempt's own CODEX_HOME; only its helper folder is shown. */
  codexHome: string;
  packagePath: string;
  workspace: 'read' | 'write';
  readable: readonly string[];
  writable: readonly string[];
  /** Hidden even where they lie inside the workspace. */
  hidden: readonly string[];
  /** Whether an escalation that is granted to a command may show it the rest of the machine. */
  mayEscalate: boolean;
}

/**
 * A Codex permission profile (`[permissions.<name>]`, docs: beta) under which everything not named
 * is invisible: the home folder, every sign-in, other CODEX_HOMEs, our own state. No network.
 *
 * What is named as `none` stays so whatever is granted to a command, which then runs in a sandbox that is wider
 * but for that. Without any such entry Codex would run it in no sandbox at all: also one it was only
 * allowed to run at all (approval policy `untrusted`), once the sandbox had kept it from something.
 */
export function permissionProfile(folders: ProfileFolders): Record<string, unknown> {
  const entries: [string, unknown][] = [
    ...(folders.mayEscalate ? [] : [everything]),
    [':minimal', 'read'],
    ...folders.readable.map((folder): [string, string] => [folder, 'read']),
    // Codex starts its sandbox through a helper it links there; without it every command fails.
    [join(folders.codexHome, 'tmp'), 'read'],
    [folders.packagePath, 'read'],
    ...folders.writable.map((folder): [string, string] => [folder, 'write']),
    ...folders.hidden.map((folder): [string, string] => [folder, 'none']),
    [':workspace_roots', { '.': folders.workspace }],
  ];
  return { filesystem: Object.fromEntries(entries) };
}

const everything: [string, unknown] = [':root', 'none'];

export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Below this many levels a folder under home is one program's own, not a place for everything. */
const ownPrefixDepth = 3;

/**
 * The folders a PATH needs to be readable for its programs to work: each entry, and the prefix above
 * a `bin` where that is one installation (`~/.nvm/versions/node/v20`), never a folder that holds more
 * than programs (`~`, `~/.local`, `~/.cargo`).
 */
export function toolFolders(path: string, home: string): string[] {
  const folders = new Set<string>();
  for (const entry of path.split(':')) {
    if (!entry.startsWith('/') || isInside(home, entry)) continue;
    folders.add(entry);
    const prefix = dirname(entry);
    if (!entry.endsWith('/bin') || prefix === '/' || isInside(home, prefix)) continue;
    const depth = prefix.slice(home.length).split(sep).filter(Boolean).length;
    if (!isInside(prefix, home) || depth >= ownPrefixDepth) folders.add(prefix);
  }
  return [...folders];
}
