import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { OriginalName } from '../../../schemas/privacy.ts';

/** What a worker keeps of its runs for their coordinator alone to read: a folder a run. */
export function sealedDir(workerDir: string): string {
  return join(workerDir, 'sealed');
}

export function sealedOfRun(dir: string, runId: string): string {
  return join(dir, runId);
}

export function valuesFile(dir: string, runId: string): string {
  return join(sealedOfRun(dir, runId), 'values.jsonl');
}

/** Names of files come from outside: what they are called here does not. */
export function originalFile(dir: string, runId: string, name: OriginalName): string {
  return join(sealedOfRun(dir, runId), createHash('sha256').update(name).digest('hex').slice(0, 32));
}
