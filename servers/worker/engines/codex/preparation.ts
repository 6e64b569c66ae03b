import type { Config } from '../../../../schemas/config.ts';
import type { Pipeline, Stage } from '../../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../../schemas/run.ts';
import type { ProcessSpec } from '../../runner/process.ts';
import type { EngineContext } from '../engine.ts';
import { resultCheck } from './check-result.ts';
import { renewSignIn } from './renew-sign-in.ts';
import { ensureFreshSignIn } from './sign-in.ts';
import { prepareHome, type CodexHome } from './codex-home.ts';
import { knownInstall, type CodexInstall } from './install.ts';
import { processEnvironment } from './process-environment.ts';
import { codexStage, stagePrompt } from './prompt.ts';
import { signInFile } from './sign-in-state.ts';
import { readUserConfig, userCodexHome } from './user-config.ts';

export interface StageRequest {
  stage: Stage;
  pipeline: Pipeline;
  spec: RunSpec;
  config: Config;
}

/** Refuses a stage Codex cannot serve here; the checks that need no environment of the run. */
export async function checkStage({ stage, pipeline, spec, config }: StageRequest): Promise<CodexInstall> {
  stagePrompt(codexStage(stage), pipeline, spec);
  if (spec.output_schema !== undefined) resultCheck(spec.output_schema);
  const install = await knownInstall(config);
  if (pipeline.commands === 'sandboxed' && install.sandboxFault !== undefined) throw install.sandboxFault;
  return install;
}

export interface Prepared {
  install: CodexInstall;
  home: CodexHome;
  prompt: string;
  /** Whether commands run inside Codex's sandbox. */
  sandboxed: boolean;
  /** The environment of the process; holds the provider's credential. */
  env: Record<string, string>;
}

/** Everything on disk and in memory that one attempt's process needs. */
export async function prepareStage(context: EngineContext): Promise<Prepared> {
  const { stage, pipeline, spec, config, cwd, tmpDir, env } = context;
  const install = await checkStage({ stage, pipeline, spec, config });
  const userHome = userCodexHome(config, env);
  const user = await readUserConfig(userHome);
  const authFile = await signInFile(userHome, user);
  const carried = { ...user, settings: { ...user.settings, ...chosen(spec) } };
  const sandboxed = install.sandboxFault === undefined;
  const home = await prepareHome({
    homeDir: context.homeDir,
    tmpDir,
    cwd,
    env,
    packagePath: install.program.packagePath,
    carried,
    userHome,
    authFile,
    readOnly: pipeline.read_only,
    maxOutputBytes: spec.output_bytes ?? config.limits.output_bytes,
    sandboxed,
  });
  const processEnv = processEnvironment({
    env,
    codexHome: home.dir,
    tmpDir,
    carried,
    credential: (name) => context.credential(name),
  });
  if (authFile !== undefined) {
    const { binary } = install.program;
    const { startProcess, homeDir, signInLock } = context;
    const renewal = { binary, startProcess, env: processEnv, settings: carried.settings, authFile, homeDir, tmpDir };
    const renew = (): Promise<void> => renewSignIn(renewal);
    await ensureFreshSignIn({ file: authFile, lockFile: signInLock, renew, now: Date.now });
  }
  return {
    install,
    home,
    prompt: stagePrompt(codexStage(stage), pipeline, spec),
    sandboxed,
    env: processEnv,
  };
}

/** The run's own choice of model and effort, over the user's. */
function chosen(spec: RunSpec): Record<string, string> {
  return {
    ...(spec.model !== undefined && { model: spec.model }),
    ...(spec.effort !== undefined && { model_reasoning_effort: spec.effort }),
  };
}

export function processSpec(
  context: EngineContext,
  prepared: Prepared,
  args: readonly string[],
  stdin: ProcessSpec['stdin'],
): ProcessSpec {
  const argv: [string, ...string[]] = [prepared.install.program.binary, ...args];
  return { argv, cwd: context.cwd, env: prepared.env, stdin, tmpDir: context.tmpDir };
}
