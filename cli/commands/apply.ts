import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FleetError } from '../../core/errors.ts';
import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet, type Fleet } from '../fleet/connect.ts';
import { copyHandle } from '../fleet/copy-handle.ts';
import { exportOriginal } from '../fleet/export-original.ts';
import { print, printJson } from '../output.ts';
import { processEnv, runEnvironment } from '../../platform/environment.ts';
import { loadConfig } from '../../platform/config.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { runId } from '../../schemas/ids.ts';
import { applyPatch } from '../../servers/worker/workspace/apply.ts';

export const apply = defineCommand({
  name: 'apply',
  usage: '[OPTIONS] RUN',
  about:
    "Applies a run's diff to the repository you are in: first a check (git apply --3way --check), then the\n" +
    'patch itself. Nothing is changed where the check fails.',
  examples: [
    'codex-fleet apply run_V1StGXR8Z5jdHi6BmyT01',
    'codex-fleet apply --check run_V1StGXR8Z5jdHi6BmyT01',
  ],
  options: { check: { type: 'boolean', about: 'Only check whether it would apply' } },
  run: async ({ values, positionals, json }) => {
    const [run] = positionals;
    if (run === undefined || positionals.length > 1) throw wrongUsage('apply', 'Name one run');
    if (!runId.safeParse(run).success) throw wrongUsage('apply', `"${run}" is not a run (run_…)`);
    const paths = fleetPaths(processEnv);
    const patch = await withFleet(connectFleet(paths), (fleet) => readDiff(fleet, run));
    const folder = mkdtempSync(join(tmpdir(), 'codex-fleet-apply-'));
    const file = join(folder, 'run.diff');
    try {
      writeFileSync(file, patch, { mode: 0o600 });
      const env = runEnvironment(processEnv, loadConfig(paths.configFile));
      const files = await applyPatch({ file, cwd: process.cwd(), env, checkOnly: values.check === true });
      if (json) printJson({ run_id: run, applied: values.check !== true, files });
      else print(`${values.check === true ? 'Would change' : 'Changed'} ${files.join(', ')}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return 0;
  },
});

async function readDiff(fleet: Fleet, run: string): Promise<Buffer> {
  const { runs } = await fleet.call('poll_run', { run_ids: [run] });
  const handle = runs[0]?.handles?.findLast(({ stream }) => stream === 'diff');
  if (handle === undefined) {
    throw new FleetError('NOT_FOUND', `${run} has no diff.`, {
      next: `Look at it with \`codex-fleet poll ${run}\`.`,
    });
  }
  const original = await exportOriginal(fleet, handle.handle_id, 'apply');
  if (original !== undefined) return original;
  const chunks: Buffer[] = [];
  await copyHandle(
    (request) => fleet.call('read_handle', request),
    handle.handle_id,
    (chunk) => chunks.push(chunk),
  );
  return Buffer.concat(chunks);
}
