import type { Guard } from '../../../core/privacy/guard.ts';
import type { RunPrivacyDetail } from '../../../schemas/privacy.ts';
import type { RunSpec } from '../../../schemas/run.ts';
import type { DiffKeeper } from './sealed-diff.ts';

/** What a task's surrogates are made with. */
export interface TaskKeys {
  surrogateKey: Uint8Array;
  publicKey: Uint8Array;
}

/** How what one run says is kept from the disk as it was said. */
export interface RunPrivacy {
  /** A spec as it may be written down. The same for one that was written down before. */
  stored(spec: RunSpec): RunSpec;
  text(text: string): string;
  /** What each stream passes on its way to the disk; undefined where the guard is off. */
  readonly stream: (() => Guard) | undefined;
  told(): RunPrivacyDetail;
  /** Keeps the run's diff to the byte, sealed; undefined where the guard is off. */
  /** Whether an engine may keep what it needs to go on with a conversation in another process. */
  readonly keepsThreads: boolean;
  readonly keepDiff: (() => DiffKeeper) | undefined;
}

export const openPrivacy: RunPrivacy = {
  stored: (spec) => spec,
  text: (text) => text,
  stream: undefined,
  told: () => ({ mode: 'off' }),
  keepsThreads: true,
  keepDiff: undefined,
};
