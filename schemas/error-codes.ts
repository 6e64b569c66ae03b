/**
 * Every code a tool can answer with. `retryable` means the same call may succeed later without
 * being changed; `next` is the default advice where the thrower has none of its own.
 */
export const errorCodes = {
  INVALID_INPUT: { retryable: false, next: 'Correct the named field and call again.' },
  NOT_FOUND: { retryable: false, next: 'Check the id; poll_run by task_id lists the runs of a task.' },
  WRONG_STATE: { retryable: false, next: 'Call poll_run for the run to see what state it is in.' },
  CONFLICT: { retryable: false, next: 'Use another request_key, or repeat the call unchanged.' },
  CWD_NOT_ALLOWED: { retryable: false, next: 'Name a folder under a configured root.' },
  COMMAND_NOT_ALLOWED: { retryable: false, next: 'Add the command to "commands" in the configuration.' },
  TOO_DEEP: { retryable: false, next: 'Do the work in this run instead of handing it off.' },
  ENGINE_UNAVAILABLE: { retryable: false, next: 'Run `codex-fleet doctor` to see what is missing.' },
  ENGINE_UNSUPPORTED: { retryable: false, next: 'Choose another engine or drop the option it cannot serve.' },
  SANDBOX_UNAVAILABLE: {
    retryable: false,
    next: 'Run `codex-fleet doctor` to see how to enable the sandbox.',
  },
  BUDGET_SPENT: {
    retryable: false,
    next: 'Go on under another task_id, with a budget of its own.',
  },
  UNAUTHORIZED: { retryable: false, next: 'Send the bearer secret from the state folder.' },
  NO_CAPACITY: { retryable: true, next: 'Wait for a run to end, then call again.' },
  WORKER_UNAVAILABLE: { retryable: true, next: 'Call again in a few seconds; list_workers shows the fleet.' },
  STORE_UNAVAILABLE: {
    retryable: true,
    next: 'Free disk space for the state folder (`codex-fleet status` names it), then call again.',
  },
  SHUTTING_DOWN: { retryable: true, next: 'Call again after the fleet is up.' },
  INTERNAL: { retryable: false, next: 'Look up the reference in the log named by `codex-fleet status`.' },
} as const satisfies Record<string, { retryable: boolean; next: string }>;

export type ErrorCode = keyof typeof errorCodes;
