import { FleetError } from '../../../../core/errors.ts';
import type { StartProcess } from '../../runner/process.ts';
import { runToEnd } from './run-to-end.ts';

/** The oldest Codex whose app-server and permission profiles are spoken here; newer ones are tried. */
export const oldestVersion = '0.165.0';
/** The Codex every promise about it is tested against. */
export const testedVersion = '0.169.0';

const versionTimeoutMs = 10_000;

/** `codex-cli 0.169.0`, also inside a user agent; undefined where no version is found. */
export function parseVersion(text: string): string | undefined {
  return /\b(\d+\.\d+\.\d+)(?:-[0-9A-Za-z.]+)?\b/.exec(text)?.[1];
}

/** Below 0 where `a` is older. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  const at = left.findIndex((part, index) => part !== right[index]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

export interface VersionProbe {
  binary: string;
  startProcess: StartProcess;
  env: Readonly<Record<string, string>>;
  dir: string;
}

/** Asks the program itself. ENGINE_UNAVAILABLE where it does not answer or is too old. */
export async function readVersion({ binary, startProcess, env, dir }: VersionProbe): Promise<string> {
  const spec = { argv: [binary, '--version'] as const, cwd: dir, env, stdin: 'ignore' as const, tmpDir: dir };
  const { stdout } = await runToEnd(startProcess, spec, versionTimeoutMs);
  const version = parseVersion(stdout);
  if (version === undefined) {
    throw new FleetError('ENGINE_UNAVAILABLE', `${binary} does not say which Codex it is.`, {
      next: 'Install Codex again: `npm install -g @openai/codex`.',
    });
  }
  if (compareVersions(version, oldestVersion) < 0) {
    throw new FleetError('ENGINE_UNAVAILABLE', `Codex ${version} is older than ${oldestVersion}.`, {
      next: 'Update it: `npm install -g @openai/codex`.',
    });
  }
  return version;
}
