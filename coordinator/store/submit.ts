import { sameSpec } from '../../core/same-spec.ts';
import type { RunTable } from './run-table.ts';
import { accepted } from './run-changes.ts';
import type { NewRun, Submitted } from './run-store.ts';

/** What is to become of an entry; `run_id` is the run that has its key: a stored one, or an earlier entry. */
type Verdict = { kind: 'create' } | { kind: 'same'; run_id: string } | { kind: 'conflict'; run_id: string };

/** Judges the whole batch first and creates afterwards: with one conflict in it nothing is created. */
export function submit(table: RunTable, entries: readonly NewRun[]): Submitted[] {
  const verdicts = judge(table, entries);
  const refused = verdicts.some((verdict) => verdict.kind === 'conflict');
  return entries.map((entry, at) => {
    const verdict = verdicts[at] ?? { kind: 'create' };
    switch (verdict.kind) {
      case 'conflict':
        return verdict;
      case 'same':
        return existing(table, verdict.run_id);
      case 'create':
        return refused ? { kind: 'withheld' } : create(table, entry);
    }
  });
}

function judge(table: RunTable, entries: readonly NewRun[]): Verdict[] {
  const batch = new Map<string, NewRun>();
  return entries.map((entry) => {
    const requestKey = entry.spec.request_key;
    if (requestKey === undefined) return { kind: 'create' };
    const key = JSON.stringify([entry.owner, requestKey]);
    const holder = batch.get(key) ?? table.loadByKey(entry.owner, requestKey);
    if (holder === undefined) {
      batch.set(key, entry);
      return { kind: 'create' };
    }
    return { kind: sameSpec(holder.spec, entry.spec) ? 'same' : 'conflict', run_id: holder.run_id };
  });
}

/** The key's run; in a refused batch that may be an entry that was not created either. */
function existing(table: RunTable, runId: string): Submitted {
  const run = table.load(runId);
  return run === undefined ? { kind: 'withheld' } : { kind: 'existing', run };
}

function create(table: RunTable, entry: NewRun): Submitted {
  const run = accepted(entry, table.nextSeq());
  table.insert(run);
  return { kind: 'created', run };
}
