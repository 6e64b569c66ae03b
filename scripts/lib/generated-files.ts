import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import {
  configSchema,
  emitConfigDocs,
  emitErrorDocs,
  emitMetricDocs,
  emitToolDocs,
  projectSchema,
} from './emit-docs.ts';
import { emitStub } from './emit-stub.ts';
import type { LiveTools } from './live-tools.ts';

/** Every generated file by its path in the repository: the same bytes for the same list. */
export async function generatedFiles(root: string, live: LiveTools): Promise<Map<string, string>> {
  const files = new Map([
    ['docs/config.md', emitConfigDocs()],
    ['docs/config.schema.json', JSON.stringify(configSchema())],
    ['docs/errors.md', emitErrorDocs()],
    ['docs/metrics.md', emitMetricDocs()],
    ['docs/project.schema.json', JSON.stringify(projectSchema())],
    ['docs/tools.md', emitToolDocs(live)],
    ['stubs/fleet.ts', emitStub(live.fleet)],
    ['stubs/tools.json', JSON.stringify(live)],
  ]);
  for (const [path, text] of files) {
    const filepath = join(root, path);
    files.set(path, await format(text, { ...(await resolveConfig(filepath)), filepath }));
  }
  return files;
}
