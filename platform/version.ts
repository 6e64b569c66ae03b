import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder is one up from the sources, two up from the build. */
function readVersion(dir: string): string {
  for (const candidate of [join(dir, '..'), join(dir, '..', '..')]) {
    const found = versionIn(join(candidate, 'package.json'));
    if (found !== undefined) return found;
  }
  return '0.0.0';
}

function versionIn(file: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('name' in parsed) || !('version' in parsed))
      return undefined;
    return parsed.name === 'codex-fleet' && typeof parsed.version === 'string' ? parsed.version : undefined;
  } catch {
    return undefined;
  }
}

/** The version in package.json. */
export const version = readVersion(dirname(fileURLToPath(import.meta.url)));
