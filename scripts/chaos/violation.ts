/**
 * What a fleet under fire must never do: lose a run, execute one again whose worker survived, leave one
 * stuck, leave processes behind, leak slots, tell an end that was another.
 */
export const promises = ['lost', 'repeated', 'stuck', 'orphans', 'slots', 'untrue'] as const;

export interface Violation {
  promise: (typeof promises)[number];
  what: string;
}
