import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { StartProcess } from '../../runner/process.ts';
import { AppServerClient, AppServerError } from './app-server-client.ts';
import { runConfigToml } from './quiet-config.ts';
import { marginMs, tokenEnd } from './sign-in.ts';

export interface Renewal {
  binary: string;
  startProcess: StartProcess;
  /** Of a Codex process, without CODEX_HOME. */
  env: Readonly<Record<string, string>>;
  /** Which provider and endpoint, see CarriedConfig. */
  settings: Readonly<Record<string, unknown>>;
  /** The user's own auth.json: read and replaced in place by Codex. */
  authFile: string;
  /** 0700, not under TMPDIR. */
  homeDir: string;
  tmpDir: string;
}

const timeoutMs = 30_000;

/**
 * Has one Codex process of its own renew the sign-in. An expired token is renewed by the start
 * alone; one that only nears its end has to be asked for.
 */
export async function renewSignIn(renewal: Renewal): Promise<void> {
  const dir = join(renewal.homeDir, `renew-${randomBytes(6).toString('hex')}`);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const commandEnv = { PATH: renewal.env['PATH'] ?? '' };
  const toml = runConfigToml({ settings: renewal.settings, profile: undefined, commandEnv, untrusted: [] });
  await writeFile(join(dir, 'config.toml'), toml, { mode: 0o600 });
  await symlink(renewal.authFile, join(dir, 'auth.json'));
  try {
    await ask(renewal, dir, false);
    const end = await tokenEnd(renewal.authFile);
    if (end !== undefined && end - Date.now() <= marginMs) await ask(renewal, dir, true);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function ask(renewal: Renewal, codexHome: string, refreshToken: boolean): Promise<void> {
  const { startProcess, binary, tmpDir } = renewal;
  const env = { ...renewal.env, CODEX_HOME: codexHome };
  const client = new AppServerClient(
    startProcess,
    { argv: [binary, 'app-server'], cwd: codexHome, env, stdin: 'pipe', tmpDir },
    { notification: ignore, request: ignore, stderr: ignore, oversized: ignore },
  );
  const timer = setTimeout(() => void client.process.terminate(0), timeoutMs);
  try {
    await client.initialize();
    await client.request('account/read', { refreshToken }, z.unknown());
  } catch (error) {
    // What counts is the token in the file, which the caller looks at.
    if (!(error instanceof AppServerError)) throw error;
  } finally {
    clearTimeout(timer);
    await client.close(1_000);
  }
}

function ignore(): void {
  // Only the answers matter here.
}
