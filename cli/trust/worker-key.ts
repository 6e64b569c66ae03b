import { openIdentity } from '../../platform/trust/identity.ts';
import { publicPart, thumbprint } from '../../platform/trust/jws.ts';

/** What `codex-fleet trust add` is to be given by `--key`. */
export function workerKey(dir: string): string {
  return thumbprint(publicPart(openIdentity(dir).current()));
}
