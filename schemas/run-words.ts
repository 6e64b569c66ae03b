/** What needs no validation library to be known: a thread that has no other use for one loads this. */
export const runStatuses = [
  'pending',
  'running',
  'input_required',
  'paused',
  'completed',
  'failed',
  'cancelled',
] as const;
export type RunStatus = (typeof runStatuses)[number];

export function isTerminal(status: RunStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** What a task may use in all. A turn is one model call; `wall_ms` sums the time its runs work. */
export const budgetNames = ['tokens', 'turns', 'wall_ms', 'attempts', 'runs'] as const;
