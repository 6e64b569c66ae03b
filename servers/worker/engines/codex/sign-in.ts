import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { FleetError } from '../../../../core/errors.ts';
import { parseJson } from '../../../../core/parse-json.ts';
import { withFileLock } from '../../../../platform/file-lock.ts';

/**
 * A token with less life than this is renewed before another process starts. Codex renews by itself
 * shortly before the end; several that do so at once spend one single-use refresh token together,
 * which can end the user's sign-in.
 */
export const marginMs = 10 * 60_000;
const lockTimeoutMs = 60_000;

const authFile = z.looseObject({
  tokens: z.looseObject({ access_token: z.string(), refresh_token: z.string() }).nullish(),
});
const claims = z.looseObject({ exp: z.number() });

/** When the signed-in user's access token ends, ms since the epoch; undefined where none rotates. */
export async function tokenEnd(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const auth = authFile.safeParse(parseJson(text));
  const token = auth.success ? auth.data.tokens?.access_token : undefined;
  const payload = token?.split('.')[1];
  if (payload === undefined) return undefined;
  const parsed = claims.safeParse(parseJson(Buffer.from(payload, 'base64url').toString('utf8')));
  return parsed.success ? parsed.data.exp * 1000 : undefined;
}

export interface SignIn {
  /** The user's own auth.json. */
  file: string;
  /** One for all workers of the host. */
  lockFile: string;
  /** Lets one Codex process renew the token; resolves when it ended. */
  renew: () => Promise<void>;
  now: () => number;
}

/**
 * Makes sure that the sign-in outlives the start of a process: at most one process of the fleet
 * renews it, and the others wait and find it renewed. ENGINE_UNAVAILABLE where renewing fails.
 */
export async function ensureFreshSignIn(signIn: SignIn): Promise<void> {
  if (await isFresh(signIn)) return;
  await withFileLock(signIn.lockFile, lockTimeoutMs, async () => {
    if (await isFresh(signIn)) return;
    await signIn.renew();
    if (await isFresh(signIn)) return;
    throw new FleetError('ENGINE_UNAVAILABLE', 'The Codex sign-in has expired and could not be renewed.', {
      next: 'Run `codex login`, then call again.',
    });
  });
}

async function isFresh(signIn: SignIn): Promise<boolean> {
  const end = await tokenEnd(signIn.file);
  return end === undefined || end - signIn.now() > marginMs;
}

const lookEveryMs = 60_000;

/**
 * Keeps the sign-in fresh while a process uses it: Codex takes over a token that was renewed in the
 * file, and renews by itself only what has run out. The answer ends the watch.
 */
export function watchSignIn(signIn: SignIn | undefined): () => void {
  if (signIn === undefined) return () => undefined;
  const timer = setInterval(() => {
    // Codex says so itself where the token is really gone; the run's outcome then shows it.
    ensureFreshSignIn(signIn).catch(() => undefined);
  }, lookEveryMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
