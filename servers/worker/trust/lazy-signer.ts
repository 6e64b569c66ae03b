import type { SignOptions, Signer } from './signer.ts';

/** Loaded when somebody asks: a worker on a Unix socket is never asked, and starts no later for it. */
export function lazySigner(options: SignOptions): Signer {
  let signer: Promise<Signer> | undefined;
  const load = (): Promise<Signer> =>
    (signer ??= import('./sign.ts').then(({ createSigner }) => createSigner(options)));
  return {
    'codex-fleet/identity': async (params) => (await load())['codex-fleet/identity'](params),
    'codex-fleet/descriptor': async (params) => (await load())['codex-fleet/descriptor'](params),
    'codex-fleet/rotate_key': async (params) => (await load())['codex-fleet/rotate_key'](params),
  };
}
