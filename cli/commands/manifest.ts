import { existsSync } from 'node:fs';
import { defineCommand, wrongUsage } from '../command.ts';
import { printJson } from '../output.ts';
import { openKeptManifests } from '../../coordinator/manifest/kept-manifests.ts';
import { FleetError } from '../../core/errors.ts';
import { loadConfig } from '../../platform/config.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { runId as runIdSchema } from '../../schemas/ids.ts';
import type { Manifest } from '../../schemas/manifest.ts';

export const manifest = defineCommand({
  name: 'manifest',
  usage: 'RUN…',
  about:
    'Prints the manifests of runs as JSON, one document for each, as they stand now: spec, placement and why,\n' +
    'attempts, handles, usage, decisions and outcome. Needs no running fleet.',
  examples: ['codex-fleet manifest run_V1StGXR8Z5jdHi6BmyT01'],
  options: {},
  run: ({ positionals }) => {
    if (positionals.length === 0) throw wrongUsage('manifest', 'Name runs');
    for (const found of read(positionals)) printJson(found);
    return Promise.resolve(0);
  },
});

/** Every one of them, or NOT_FOUND. */
function read(runIds: readonly string[]): Manifest[] {
  const paths = fleetPaths(processEnv);
  const { database } = paths;
  const { output, privacy } = loadConfig(paths.configFile);
  const kept = existsSync(database) ? openKeptManifests(database, output.keep_ms, privacy.mode) : undefined;
  try {
    return runIds.map((runId) => {
      if (!runIdSchema.safeParse(runId).success) throw wrongUsage('manifest', `"${runId}" is no run id`);
      const found = kept?.of(runId);
      if (found !== undefined) return found;
      throw new FleetError('NOT_FOUND', `There is no run ${runId} here.`, {
        next: '`codex-fleet poll TASK` shows the runs of a task.',
      });
    });
  } finally {
    kept?.close();
  }
}
