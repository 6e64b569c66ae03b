import { defineCommand } from '../command.ts';
import { connectFleet, withFleet, type Fleet } from '../fleet/connect.ts';
import { selectRuns } from '../fleet/select-runs.ts';
import { tokenLedger, type LedgerRow } from '../fleet/token-ledger.ts';
import { print, printJson, table } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';
import type { TokenCount } from '../../schemas/manifest.ts';
import type { RunSnapshot } from '../../schemas/run.ts';

export const tokens = defineCommand({
  name: 'tokens',
  usage: '[OPTIONS] RUN… | TASK',
  about:
    'Counts the tokens agents were spared: those of what runs printed against those of every reply that reached\n' +
    'an agent. Counted by the o200k tokenizer: all of outputs up to 256 KiB (exact), of larger ones 16 stretches\n' +
    '(~); of replies all that is kept, from which the rest is reckoned (~).',
  examples: ['codex-fleet tokens fix-login', 'codex-fleet tokens run_V1StGXR8Z5jdHi6BmyT01 --json'],
  options: {},
  run: async ({ positionals, json }) => {
    const selection = selectRuns('tokens', positionals);
    const runs = await withFleet(connectFleet(fleetPaths(processEnv)), async (fleet) =>
      tokenLedger(fleet, await allRuns(fleet, selection)),
    );
    if (json) printJson({ encoding: 'o200k_base', runs });
    else print(report(runs));
    return 0;
  },
});

async function allRuns(fleet: Fleet, selection: ReturnType<typeof selectRuns>): Promise<RunSnapshot[]> {
  const runs = new Map<string, RunSnapshot>();
  for (let cursor = '0', more = true; more;) {
    const reply = await fleet.call('poll_run', { ...selection, cursor, preview_tokens: 0 });
    for (const run of reply.runs) runs.set(run.run_id, run);
    ({ cursor, more } = reply);
  }
  return [...runs.values()];
}

function report(rows: readonly LedgerRow[]): string {
  const shown = rows.map((row) => [
    row.label ?? row.run_id,
    show(row.inline),
    show(row.reached),
    String(row.reached.replies),
    row.tokens_avoided.toLocaleString('en-US'),
    row.inline.tokens === 0 ? '–' : `${((100 * row.tokens_avoided) / row.inline.tokens).toFixed(2)} %`,
  ]);
  return table(['run', 'inline', 'reached agents', 'replies', 'avoided', 'saved'], shown, [1, 2, 3, 4, 5]);
}

function show({ tokens: count, method }: TokenCount): string {
  return `${method === 'sampled' ? '~' : ''}${count.toLocaleString('en-US')}`;
}
