import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const manifest = z.looseObject({ name: z.string(), version: z.string() });

function readVersion(dir: string): string {
  for (const candidate of [join(dir, '..'), join(dir, '..', '..')]) {
    try {
      const parsed = manifest.parse(JSON.parse(readFileSync(join(candidate, 'package.json'), 'utf8')));
      if (parsed.name === 'codex-fleet') return parsed.version;
    } catch {
      continue;
    }
  }
  return '0.0.0';
}

/** The version in package.json. */
export const version = readVersion(dirname(fileURLToPath(import.meta.url)));
