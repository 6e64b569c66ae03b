import type { EngineContext, EngineReport } from '../../servers/worker/engines/engine.ts';
import type { Scenario } from '../suites/engine.suite.ts';

export const stage = { name: 'codex', engine: 'codex', prompt: '${prompt}' } as const;

export function prompting(prompt: string, more: Partial<Scenario> = {}): Scenario {
  return { stage, ...more, spec: { prompt, ...more.spec } };
}

export const escalated = (cmd: string): Record<string, unknown> => ({
  cmd,
  sandbox_permissions: 'require_escalated',
  justification: 'it needs to',
});

export const isQuestion = (report: EngineReport): boolean =>
  report.kind === 'question' && report.question !== undefined;

export function decisions(reports: readonly EngineReport[]): { asked: string; answer: string; by: string }[] {
  return reports.flatMap((report) =>
    report.kind === 'decision' ? [{ asked: report.asked, answer: report.answer, by: report.by }] : [],
  );
}

export function usageOf(reports: readonly EngineReport[]): { calls: number; input: number; output: number } {
  const sum = { calls: 0, input: 0, output: 0 };
  for (const report of reports) {
    if (report.kind !== 'usage') continue;
    sum.calls += report.usage.calls;
    sum.input += report.usage.input_tokens;
    sum.output += report.usage.output_tokens;
  }
  return sum;
}

export function threadOf(reports: readonly EngineReport[]): string {
  for (const report of reports) if (report.kind === 'thread') return report.thread_id;
  throw new Error('No thread was reported.');
}

/** The folders of a run, for its next attempt. */
export function places({
  cwd,
  tmpDir,
  homeDir,
}: EngineContext): Pick<EngineContext, 'cwd' | 'tmpDir' | 'homeDir'> {
  return { cwd, tmpDir, homeDir };
}

/** No user namespace can be made below this process. */
export function withoutNamespaces(argv: readonly [string, ...string[]]): [string, ...string[]] {
  const block = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"';
  return ['/usr/bin/unshare', '-Ur', '/bin/sh', '-c', block, 'sh', ...argv];
}
