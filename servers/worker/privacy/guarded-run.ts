import { createSurrogateGuard, type SurrogateGuard } from '../../../core/privacy/surrogate-guard.ts';
import { withText } from '../../../core/privacy/spec-text.ts';
import type { Logger } from '../../../platform/log.ts';
import { createMac } from '../../../platform/privacy/keys.ts';
import type { Config } from '../../../schemas/config.ts';
import { addCounts } from '../../../core/privacy/restore.ts';
import type { ConversationPlace, TypeCounts } from '../../../schemas/privacy.ts';
import type { RunPrivacy } from './run-privacy.ts';
import { createOriginalKeeper } from './sealed-originals.ts';
import { openSealedValues } from './sealed-values.ts';
import type { TaskKeys } from './task-keys.ts';

export interface RunPrivacyOptions {
  run_id: string;
  task_id: string;
  /** Where sealed values are kept. */
  dir: string;
  privacy: Config['privacy'];
  home: ConversationPlace;
  /** As they are now. */
  keys: () => TaskKeys;
  keysGiven: () => Promise<void>;
  /** Of a run that was written down: what was replaced by then. */
  replaced: TypeCounts | undefined;
  log: Logger;
}

export function guardedPrivacy({
  run_id,
  task_id,
  dir,
  privacy,
  home,
  keys,
  keysGiven,
  replaced: earlier = {},
  log,
}: RunPrivacyOptions): RunPrivacy {
  const values = openSealedValues(dir, run_id, { task_id, publicKey: () => keys().publicKey });
  let made: { keys: TaskKeys; guard: SurrogateGuard } | undefined;
  let replaced = earlier;

  /** Made with the keys there are: after a restart they may come later than the first text. */
  function guard(): SurrogateGuard {
    const now = keys();
    if (made?.keys === now) return made.guard;
    replaced = counts();
    const guard = createSurrogateGuard({
      mac: createMac(now.surrogateKey),
      types: privacy.types,
      knownValues: privacy.known_values,
      onNew: (replaced) => {
        if (replaced.type === 'SECRET' && !privacy.keep_secrets) return;
        try {
          values.add(replaced);
        } catch (error) {
          log.error({ err: error, run_id }, 'what a surrogate stands for could not be kept');
        }
      },
    });
    made = { keys: now, guard };
    return guard;
  }
  function counts(): TypeCounts {
    return made === undefined ? replaced : addCounts(replaced, made.guard.counts());
  }
  const text = (said: string): string => guard().text(said);
  return {
    stored: (spec) => withText(spec, text),
    text,
    keepsThreads: home !== 'none',
    stream: () => guard().stream(),
    keepOriginal(name) {
      const { surrogateKey, publicKey } = keys();
      return createOriginalKeeper({ dir, run_id, task_id, name, publicKey, mac: createMac(surrogateKey) });
    },
    keysGiven,
    told() {
      const replaced = counts();
      return {
        mode: 'enforce',
        home,
        ...(Object.keys(replaced).length > 0 && { replaced }),
        ...(values.count > 0 && { sealed: values.count }),
      };
    },
  };
}
