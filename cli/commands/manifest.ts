import { existsSync } from 'node:fs';
import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet } from '../fleet/connect.ts';
import { tokenLedger } from '../fleet/token-ledger.ts';
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
  usage: '[OPTIONS] RUN…',
  about:
    'Prints the manifests of runs as JSON, one document for each, as they stand now: spec, placement and why,\n' +
    'attempts, handles, usage, decisions, what reached agents of them, and outcome. Needs no running fleet, except\n' +
    'to count tokens.',
  examples: [
    'codex-fleet manifest run_V1StGXR8Z5jdHi6BmyT01',
    'codex-fleet manifest run_V1StGXR8Z5jdHi6BmyT01 --tokens',
  ],
  options: {
    tokens: { type: 'boolean', about: 'Count the tokens of what reached agents and of all that was printed' },
  },
  run: async ({ values, positionals }) => {
    if (positionals.length === 0) throw wrongUsage('manifest', 'Name runs');
    const found = read(positionals);
    if (values.tokens === true) for (const counted of await withTokens(found)) printJson(counted);
    else for (const one of found) printJson(one);
    return 0;
  },
});

/** As they stand once all that was told is written down. */
async function withTokens(manifests: readonly Manifest[]): Promise<Manifest[]> {
  const runs = manifests.map(({ run_id, handles }) => ({ run_id, handles }));
  const rows = await withFleet(connectFleet(fleetPaths(processEnv)), (fleet) => tokenLedger(fleet, runs));
  const now = read(runs.map((run) => run.run_id));
  return now.map((manifest, at) => {
    const row = rows[at];
    if (row === undefined) return manifest;
    const { tokens, method } = row.reached;
    return {
      ...manifest,
      tokens: { told: { tokens, method }, inline: row.inline, avoided: row.tokens_avoided },
    };
  });
}

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
