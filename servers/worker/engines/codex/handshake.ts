import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProbeContext } from '../engine.ts';
import { AppServerClient, AppServerError } from './app-server-client.ts';
import type { CodexProgram } from './find-codex.ts';
import { parseVersion } from './version.ts';

const handshakeTimeoutMs = 10_000;

/** Whether the app-server of this Codex answers the handshake in the form known here, as that version. */
export async function speaksAppServer(
  program: CodexProgram,
  version: string,
  context: ProbeContext,
): Promise<boolean> {
  const dir = join(context.stateDir, `handshake-${randomBytes(6).toString('hex')}`);
  const tmpDir = join(dir, 'tmp');
  const codexHome = join(dir, 'codex');
  for (const folder of [tmpDir, codexHome]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const env = { ...context.env, CODEX_HOME: codexHome, TMPDIR: tmpDir };
  const client = new AppServerClient(
    context.startProcess,
    { argv: [program.binary, 'app-server'], cwd: dir, env, stdin: 'pipe', tmpDir },
    { notification: ignore, request: ignore, stderr: ignore, oversized: ignore },
  );
  const timer = setTimeout(() => void client.process.terminate(0), handshakeTimeoutMs);
  try {
    return parseVersion(await client.initialize()) === version;
  } catch (error) {
    if (error instanceof AppServerError) return false;
    throw error;
  } finally {
    clearTimeout(timer);
    await client.close(1000);
    await rm(dir, { recursive: true, force: true });
  }
}

function ignore(): void {
  // Nothing said beside the handshake matters to it.
}
