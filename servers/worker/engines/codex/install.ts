import { FleetError } from '../../../../core/errors.ts';
import type { Config } from '../../../../schemas/config.ts';
import type { ProbeContext } from '../engine.ts';
import { findCodex, type CodexProgram } from './find-codex.ts';
import { speaksAppServer } from './handshake.ts';
import { proveSandbox } from './prove-sandbox.ts';
import { readVersion } from './version.ts';

/** The Codex of this host, as it was found and tried. */
export interface CodexInstall {
  program: CodexProgram;
  version: string;
  /** Whether its app-server speaks the protocol known here; else `codex exec` stands in. */
  hasAppServer: boolean;
  /** Why sandboxed runs are refused; undefined where the sandbox was seen to hold. */
  sandboxFault: FleetError | undefined;
}

/** What was found, by the part of the configuration that says where to look. */
const found = new Map<string, Promise<CodexInstall>>();
const settled = new Map<string, CodexInstall>();

function keyOf(config: Config): string {
  return JSON.stringify([config.codex.binary, config.path]);
}

/** Looks anew. Rejects with ENGINE_UNAVAILABLE where there is no usable Codex. */
export function probeInstall(context: ProbeContext): Promise<CodexInstall> {
  const key = keyOf(context.config);
  const install = tryInstall(context).then((result) => {
    settled.set(key, result);
    return result;
  });
  found.set(key, install);
  return install;
}

async function tryInstall(context: ProbeContext): Promise<CodexInstall> {
  const { config, env, startProcess, stateDir } = context;
  const program = await findCodex(config, env['PATH'] ?? '');
  const version = await readVersion({ binary: program.binary, startProcess, env, dir: stateDir });
  const [hasAppServer, sandboxFault] = await Promise.all([
    speaksAppServer(program, version, context),
    proveSandbox(program, context),
  ]);
  return { program, version, hasAppServer, sandboxFault };
}

/** What the last probe found, waiting for one under way. */
export async function knownInstall(config: Config): Promise<CodexInstall> {
  const install = await found.get(keyOf(config));
  if (install !== undefined) return install;
  throw new FleetError('ENGINE_UNAVAILABLE', 'Codex has not been looked for on this worker yet.');
}

/** As knownInstall(), for a caller that cannot wait; undefined before the first probe is through. */
export function settledInstall(config: Config): CodexInstall | undefined {
  return settled.get(keyOf(config));
}

export function knownProbe(config: Config): Promise<CodexInstall> | undefined {
  return found.get(keyOf(config));
}

/** For a person: what is missing, and the fix. */
export function whyMissing(error: unknown): string {
  if (error instanceof FleetError) return `${error.message} ${error.next}`;
  return error instanceof Error ? error.message : String(error);
}
