import type { RunStatus } from '../schemas/run-words.ts';
import type { ReplyLink } from './reply.ts';

export const tasksExtension = 'io.modelcontextprotocol/tasks';

/** A task of the MCP tasks extension (specification draft of 2026-08): here, one run under its own id. */
export interface TaskView {
  taskId: string;
  status: 'working' | 'completed' | 'cancelled' | 'input_required';
  statusMessage: string;
  createdAt: string;
  lastUpdatedAt: string;
  ttlMs: number | null;
  pollIntervalMs: number;
  /** What the call that made the task would have answered, had it waited. */
  result?: {
    resultType: 'complete';
    content: ({ type: 'text'; text: string } | ({ type: 'resource_link' } & ReplyLink))[];
    structuredContent: Record<string, unknown>;
  };
  /** Questions to the user, by a key never used twice. */
  inputRequests?: Record<string, unknown>;
}

/** What a server that offers runs as tasks provides; every method answers from what is durable. */
export interface TaskSource {
  /** Whether a call with these params of tools/call, if it succeeds, starts what can be followed as a task. */
  offers(params: Record<string, unknown>): boolean;
  /** The task the result of such a call stands for; undefined where the result is the whole answer. */
  fromResult(result: Record<string, unknown>): Promise<TaskView | undefined>;
  get(taskId: string): Promise<TaskView | undefined>;
  /** This is sent of a task, instead of the result it stands for. */
  told?(taskId: string, sent: object, insteadOf?: object): void;
  /** false for an unknown task; idempotent. */
  cancel(taskId: string): Promise<boolean>;
  /** false for an unknown task; responses to keys that are not outstanding are ignored. */
  update(taskId: string, inputResponses: Record<string, unknown>): Promise<boolean>;
}

/** The task status of a run: how it ended is in the result, because a failed run is data. */
export function taskStatus(status: RunStatus): TaskView['status'] {
  switch (status) {
    case 'pending':
    case 'running':
    case 'paused':
      return 'working';
    case 'input_required':
      return 'input_required';
    case 'completed':
    case 'failed':
      return 'completed';
    case 'cancelled':
      return 'cancelled';
  }
}
