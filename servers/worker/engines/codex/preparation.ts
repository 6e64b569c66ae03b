import type { Config } from '../../../../schemas/config.ts';
import type { Pipeline, Stage } from '../../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../../schemas/run.ts';
import type { ProcessSpec } from '../../runner/process.ts';
import type { EngineContext } from '../engine.ts';
import { resultCheck } from './check-result.ts';
import { renewSignIn } from './renew-sign-in.ts';
import { ensureFreshSignIn, type SignIn } from './sign-in.ts';
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
  /** The user's sign-in, where the provider uses it. */
  signIn: SignIn | undefined;
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
    ours: context.ours,
    commands: pipeline.commands,
    mayEscalate: mayEscalate(context),
  });
  const processEnv = processEnvironment({
    env,
    codexHome: home.dir,
    tmpDir,
    carried,
    credential: (name) => context.credential(name),
  });
  const signIn =
    authFile === undefined ? undefined : signInOf(context, install, carried.settings, processEnv, authFile);
  if (signIn !== undefined) await ensureFreshSignIn(signIn);
  return {
    install,
    home,
    prompt: stagePrompt(codexStage(stage), pipeline, spec),
    sandboxed,
    env: processEnv,
    signIn,
  };
}

/** Whether anybody could grant a command of the run more than it was started with: else its sandbox gives none. */
export function mayEscalate({ stage, pipeline, spec, config, escalationBar }: EngineContext): boolean {
  const isAsked = spec.ask || config.questions.policy === 'accept-allow-listed';
  const isPossible = stage.engine === 'codex' && pipeline.commands === 'sandboxed' && isAsked;
  return isPossible && escalationBar() === undefined;
}

function signInOf(
  context: EngineContext,
  install: CodexInstall,
  settings: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>>,
  authFile: string,
): SignIn {
  const { startProcess, homeDir, tmpDir, signInLock } = context;
  const renewal = { binary: install.program.binary, startProcess, env, settings, authFile, homeDir, tmpDir };
  return { file: authFile, lockFile: signInLock, renew: () => renewSignIn(renewal), now: Date.now };
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
