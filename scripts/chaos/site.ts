import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stringify } from 'smol-toml';
import { contains } from '../../core/cwd-rule.ts';
import { fleetPaths, type FleetPaths } from '../../platform/paths.ts';

const run = promisify(execFile);
export const program = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'cli', 'main.js');

/** A fleet's own folders, before anything of it runs. */
export interface Site {
  root: string;
  /** Of all its workers. */
  slots: number;
  work: string;
  env: Record<string, string>;
  paths: FleetPaths;
  /** What really ran: one line when a command begins, one before it ends. */
  oracleFile: string;
  /** In the arguments of every command, and of nothing else. */
  script: string;
  /** Where failpoints are armed. */
  failpoints: string;
  cli(...args: string[]): Promise<void>;
  remove(): Promise<void>;
}

export interface SiteOptions {
  reaping: 'auto' | 'best_effort';
  workers: number;
  slots: number;
  /** A real one, and the URL of its model. */
  codex?: { binary: string; modelUrl: string };
}

/** Tells of its start, sleeps, tells of its end and ends so: id, seconds, exit code (137: by SIGKILL), file. */
const oracleScript = `echo "start $1" >>"$4"
echo "run $1"
[ "$2" = 0 ] || sleep "$2"
echo "end $1 $3" >>"$4"
[ "$3" = 137 ] && kill -9 $$
exit "$3"
`;

export async function makeSite({ reaping, workers, slots, codex }: SiteOptions): Promise<Site> {
  // Not below /tmp: Codex refuses a CODEX_HOME there, and commands have one of their own.
  const base = contains('/tmp', tmpdir()) ? '/var/tmp' : tmpdir();
  const root = await mkdtemp(join(base, 'fleet-chaos-'));
  const [work, state, failpoints] = [join(root, 'work'), join(root, 'state'), join(root, 'failpoints')];
  for (const folder of [work, state, failpoints]) await mkdir(folder, { mode: 0o700 });
  const script = join(root, 'oracle.sh');
  const oracleFile = join(root, 'oracle');
  await writeFile(script, oracleScript);
  await writeFile(oracleFile, '');
  const argv = ['/bin/sh', script, '${inputs.id}', '${inputs.seconds}', '${inputs.code}', oracleFile];
  const text = { type: 'string', required: true };
  const pipeline = (read_only: boolean) => ({
    read_only,
    inputs: { id: text, seconds: text, code: text },
    stages: [{ name: 'main', engine: 'command', argv }],
  });
  const config = {
    roots: [work],
    scheduling: { heed_hosts: false },
    workers: { count: workers, slots },
    reaping,
    // What is left to process groups is left without a sandbox, too.
    sandbox: reaping === 'auto' ? { write: [oracleFile] } : { profile: 'off' },
    commands: [{ argv: ['/bin/sh', script, '...'] }],
    pipelines: { once: pipeline(false), again: pipeline(true) },
    ...(codex !== undefined && { codex: { binary: codex.binary } }),
  };
  if (codex !== undefined) await signUp(root, codex.modelUrl);
  const configFile = join(root, 'config.json');
  await writeFile(configFile, JSON.stringify(config));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: root,
    CODEX_FLEET_STATE_DIR: state,
    CODEX_FLEET_CONFIG: configFile,
    CODEX_FLEET_FAILPOINTS: failpoints,
    CODEX_FLEET_LOG_LEVEL: 'warn',
  };
  return {
    root,
    slots: workers * slots,
    work,
    env,
    paths: fleetPaths(env),
    oracleFile,
    script,
    failpoints,
    cli: async (...args) => {
      await run(process.execPath, [program, ...args], { env, cwd: work });
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}

/** A user of Codex in this home, whose provider is at the URL. */
async function signUp(home: string, modelUrl: string): Promise<void> {
  const folder = join(home, '.codex');
  await mkdir(folder, { mode: 0o700 });
  const retries = { request_max_retries: 0, stream_max_retries: 0 };
  const provider = { name: 'scripted', base_url: modelUrl, wire_api: 'responses', ...retries };
  const toml = { model: 'gpt-5.5', model_provider: 'scripted', model_providers: { scripted: provider } };
  await writeFile(join(folder, 'config.toml'), stringify(toml));
}
