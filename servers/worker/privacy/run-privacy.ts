import type { Guard } from '../../../core/privacy/guard.ts';
import type { OriginalName, RunPrivacyDetail } from '../../../schemas/privacy.ts';
import type { RunSpec } from '../../../schemas/run.ts';
import type { OriginalKeeper } from './sealed-originals.ts';

/** How what one run says is kept from the disk as it was said. */
export interface RunPrivacy {
  /** A spec as it may be written down. The same for one that was written down before. */
  stored(spec: RunSpec): RunSpec;
  text(text: string): string;
  /** What each stream passes on its way to the disk; undefined where the guard is off. */
  readonly stream: (() => Guard) | undefined;
  told(): RunPrivacyDetail;
  /** Whether an engine may keep what it needs to go on with a conversation in another process. */
  readonly keepsThreads: boolean;
  /** Keeps what the run made to the byte, sealed; undefined where the guard is off. */
  readonly keepOriginal: ((name: OriginalName) => OriginalKeeper) | undefined;
  /** Settles when the keys of the run's task are there, or do not come in time. */
  keysGiven(): Promise<void>;
}

export const openPrivacy: RunPrivacy = {
  stored: (spec) => spec,
  text: (text) => text,
  stream: undefined,
  told: () => ({ mode: 'off' }),
  keepsThreads: true,
  keepOriginal: undefined,
  keysGiven: () => Promise.resolve(),
};
