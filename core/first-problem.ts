/** What is wrong with a value, as zod tells it. */
export interface Problem {
  path: readonly PropertyKey[];
  message: string;
}

interface Issue extends Problem {
  code?: string | undefined;
  errors?: readonly (readonly Issue[])[] | undefined;
}

/**
 * The first thing that is wrong. Of a choice of shapes, what is wrong with the one that is nearest to
 * what was written: that with the fewest faults.
 */
export function firstProblem(issues: readonly Issue[]): Problem | undefined {
  const [issue] = issues;
  if (issue?.code !== 'invalid_union' || issue.errors === undefined) return issue;
  const [nearest] = issue.errors.toSorted((a, b) => a.length - b.length);
  const inner = nearest === undefined ? undefined : firstProblem(nearest);
  return inner === undefined ? issue : { path: [...issue.path, ...inner.path], message: inner.message };
}
