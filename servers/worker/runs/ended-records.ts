import { FleetError } from '../../../core/errors.ts';
import type { RunRecord } from './record.ts';
import type { RecordFiles } from './record-files.ts';

/** Records of ended runs kept in memory: those whose callers have not come by yet, as a rule. */
const keptRecords = 32;

/** Records of runs that have ended: the latest in memory, the others read from disk when asked for. */
export class EndedRecords {
  readonly #files: RecordFiles;
  readonly #recent = new Map<string, RunRecord>();
  /** The disk refused them: memory has the only copy. */
  readonly #unsaved = new Map<string, RunRecord>();

  constructor(files: RecordFiles) {
    this.#files = files;
  }

  keep(record: RunRecord, saved: boolean): void {
    const runId = record.detail.run_id;
    if (!saved) this.#unsaved.set(runId, record);
    this.#recent.set(runId, record);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > keptRecords && oldest !== undefined) this.#recent.delete(oldest);
  }

  async get(runId: string): Promise<RunRecord> {
    const record = this.#recent.get(runId) ?? this.#unsaved.get(runId) ?? this.#files.read(runId);
    if (record === undefined) throw new FleetError('NOT_FOUND', `The record of run ${runId} is gone.`);
    return record;
  }

  forget(runId: string): void {
    this.#recent.delete(runId);
    this.#unsaved.delete(runId);
  }

  /** Tries once more what the disk refused. */
  saveLeft(): void {
    for (const record of this.#unsaved.values()) {
      try {
        this.#files.write(record);
      } catch {
        // As before: the next boot finds the run as it last stood on disk.
      }
    }
  }
}
