import { join } from 'node:path';

/** What a worker keeps of its runs for their coordinator alone to read. */
export function sealedDir(workerDir: string): string {
  return join(workerDir, 'sealed');
}

export function valuesFile(dir: string, runId: string): string {
  return join(dir, `${runId}.jsonl`);
}

export function diffFile(dir: string, runId: string): string {
  return join(dir, `${runId}.diff`);
}

export function sealedFiles(workerDir: string, runId: string): string[] {
  const dir = sealedDir(workerDir);
  return [valuesFile(dir, runId), diffFile(dir, runId)];
}
