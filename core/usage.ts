import type { Usage } from '../schemas/run.ts';

/** Tokens of more calls on top of those counted before. */
export function addUsage(sum: Usage | undefined, more: Usage): Usage {
  if (sum === undefined) return more;
  return {
    calls: sum.calls + more.calls,
    input_tokens: sum.input_tokens + more.input_tokens,
    cached_input_tokens: sum.cached_input_tokens + more.cached_input_tokens,
    output_tokens: sum.output_tokens + more.output_tokens,
    reasoning_tokens: sum.reasoning_tokens + more.reasoning_tokens,
  };
}
