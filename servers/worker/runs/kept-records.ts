import { existsSync } from 'node:fs';
import { isTerminal } from '../../../schemas/run-words.ts';
import type { RunRecord } from './record.ts';

/** Whether a run may be forgotten: it has ended, and its private copy holds no more than its diff. */
export function isForgettable({ detail, workspace }: RunRecord): boolean {
  return isTerminal(detail.status) && (workspace === undefined || !existsSync(workspace.root));
}
