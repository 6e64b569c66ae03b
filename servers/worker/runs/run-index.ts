import { isTerminal, type RunStatus } from '../../../schemas/run-words.ts';
import type { LiveRun } from './live-run.ts';

/** All that is kept in memory of a run once it has ended; the rest is read from its record. */
export interface RunEntry {
  readonly run_id: string;
  readonly owner: string;
  readonly task_id: string;
  readonly request_key: string | undefined;
  seq: number;
  status: RunStatus;
  /** undefined once the run has ended. */
  live: LiveRun | undefined;
}

export function isOpen(entry: RunEntry): boolean {
  return !isTerminal(entry.live?.status ?? entry.status);
}

/** The worker's runs by id, by task and by request key. Everything is asked for by owner. */
export class RunIndex {
  readonly #byId = new Map<string, RunEntry>();
  readonly #byTask = new Map<string, RunEntry[]>();
  readonly #byKey = new Map<string, RunEntry>();
  /** Not ended, or ended a moment ago. */
  readonly #live = new Set<RunEntry>();

  add(entry: RunEntry): void {
    this.#byId.set(entry.run_id, entry);
    const task = pair(entry.owner, entry.task_id);
    const ofTask = this.#byTask.get(task);
    if (ofTask === undefined) this.#byTask.set(task, [entry]);
    else ofTask.push(entry);
    if (entry.request_key !== undefined) this.#byKey.set(pair(entry.owner, entry.request_key), entry);
    if (entry.live !== undefined) this.#live.add(entry);
  }

  /** The run has ended: only the entry itself is kept. */
  close(entry: RunEntry, status: RunStatus): void {
    entry.status = status;
    entry.live = undefined;
    this.#live.delete(entry);
  }

  /** Nothing is known of the run any more. */
  remove(entry: RunEntry): void {
    const task = pair(entry.owner, entry.task_id);
    const rest = (this.#byTask.get(task) ?? []).filter((other) => other !== entry);
    if (rest.length > 0) this.#byTask.set(task, rest);
    else this.#byTask.delete(task);
    this.#byId.delete(entry.run_id);
    if (entry.request_key !== undefined) this.#byKey.delete(pair(entry.owner, entry.request_key));
  }

  get(runId: string, owner: string): RunEntry | undefined {
    const entry = this.#byId.get(runId);
    return entry?.owner === owner ? entry : undefined;
  }

  ofTask(taskId: string, owner: string): readonly RunEntry[] {
    return this.#byTask.get(pair(owner, taskId)) ?? [];
  }

  byKey(key: string, owner: string): RunEntry | undefined {
    return this.#byKey.get(pair(owner, key));
  }

  live(): LiveRun[] {
    return [...this.#live].flatMap((entry) => entry.live ?? []);
  }

  openCount(owner: string): number {
    let count = 0;
    for (const entry of this.#live) if (entry.owner === owner && isOpen(entry)) count += 1;
    return count;
  }
}

/** No owner's name reaches into another's. */
function pair(owner: string, name: string): string {
  return `${owner}\0${name}`;
}
