import { parseJson } from '../../core/parse-json.ts';
import { restoreRecord, type RestoreRecord } from '../../schemas/privacy.ts';
import type { RestoreRow } from '../store/vault-table.ts';

/** As it is shown. */
export function restoreRecordOf({
  scope,
  handle_id: handleId,
  allowed,
  restored,
  withheld,
  ...rest
}: RestoreRow): RestoreRecord {
  return restoreRecord.parse({
    ...rest,
    task_id: scope,
    ...(handleId !== null && { handle_id: handleId }),
    allowed: allowed === 1,
    restored: parseJson(restored),
    withheld: parseJson(withheld),
  });
}
