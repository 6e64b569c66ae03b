import { createSurrogateGuard, type SurrogateGuard } from '../../../core/privacy/surrogate-guard.ts';
import { withText } from '../../../core/privacy/spec-text.ts';
import type { Logger } from '../../../platform/log.ts';
import { createMac } from '../../../platform/privacy/keys.ts';
import type { Config } from '../../../schemas/config.ts';
import type { ConversationPlace } from '../../../schemas/privacy.ts';
import type { RunPrivacy, TaskKeys } from './run-privacy.ts';
import { createDiffKeeper } from './sealed-diff.ts';
import { openSealedValues } from './sealed-values.ts';

export interface RunPrivacyOptions {
  run_id: string;
  task_id: string;
  /** Where sealed values are kept. */
  dir: string;
  privacy: Config['privacy'];
  home: ConversationPlace;
  /** As they are when the first text comes. */
  keys: () => TaskKeys;
  log: Logger;
}

export function guardedPrivacy({
  run_id,
  task_id,
  dir,
  privacy,
  home,
  keys,
  log,
}: RunPrivacyOptions): RunPrivacy {
  const values = openSealedValues(dir, run_id, { task_id, publicKey: () => keys().publicKey });
  let made: SurrogateGuard | undefined;

  function guard(): SurrogateGuard {
    made ??= createSurrogateGuard({
      mac: createMac(keys().surrogateKey),
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
    return made;
  }
  const text = (said: string): string => guard().text(said);
  return {
    stored: (spec) => withText(spec, text),
    text,
    keepsThreads: home !== 'none',
    stream: () => guard().stream(),
    keepDiff() {
      const { surrogateKey, publicKey } = keys();
      return createDiffKeeper({ dir, run_id, task_id, publicKey, mac: createMac(surrogateKey) });
    },
    told() {
      const replaced = made?.counts() ?? {};
      return {
        mode: 'enforce',
        home,
        ...(Object.keys(replaced).length > 0 && { replaced }),
        ...(values.count > 0 && { sealed: values.count }),
      };
    },
  };
}
