import { spawn } from 'node:child_process';
import { FleetError } from '../../../core/errors.ts';
import type { ProcessEnd, StartProcess } from '../runner/process.ts';
import { resolveBinary } from '../runner/resolve-binary.ts';
import { disarmedSettings, ownGitEnvironment, settingsEnvironment, type Setting } from './disarmed.ts';

/** Of copies made by us or for us on this machine; `file` is how a clone of a folder is made. */
const settings: readonly Setting[] = [
  ...disarmedSettings,
  ['safe.directory', '*'],
  ['protocol.file.allow', 'always'],
];

const maxErrorBytes = 2_000;

export interface GitCall {
  cwd: string;
  /** Of a run; only its PATH is used. */
  env: Readonly<Record<string, string>>;
  /** GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE. */
  location?: Readonly<Record<string, string>>;
  /** Settings that empty the drivers the repository names, where its attributes could ask for them. */
  drivers?: readonly Setting[];
  /** Gets the output as it comes; without it the whole output is returned (keep it small). */
  onOutput?: (chunk: Buffer) => void;
  /** Confines it; without it Git is started as the worker itself is. */
  startProcess?: StartProcess | undefined;
  /** Kills it. */
  signal?: AbortSignal | undefined;
}

/** Runs Git by argv. Rejects with ENGINE_UNAVAILABLE where there is no git, INTERNAL where it fails. */
export async function git(args: readonly string[], call: GitCall): Promise<string> {
  const output: Buffer[] = [];
  let complaint = '';
  const io: GitIo = {
    stdout: (chunk) => {
      if (call.onOutput === undefined) output.push(chunk);
      else call.onOutput(chunk);
    },
    stderr: (chunk) => {
      if (complaint.length < maxErrorBytes) complaint += chunk.toString('utf8');
    },
  };
  const env = {
    ...ownGitEnvironment,
    ...settingsEnvironment([...settings, ...(call.drivers ?? [])]),
    GIT_ALLOW_PROTOCOL: 'file',
    PATH: call.env['PATH'] ?? '',
    ...call.location,
  };
  const code = await (call.startProcess === undefined
    ? runPlainly(args, { ...call, env }, io)
    : runConfined(args, { ...call, env, startProcess: call.startProcess }, io));
  if (code !== 0) throw new GitFailed(args[0] ?? 'git', code, complaint);
  return Buffer.concat(output).toString('utf8');
}

interface GitIo {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

function runPlainly(args: readonly string[], call: GitCall, io: GitIo): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd: call.cwd, env: call.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const kill = (): void => {
      child.kill('SIGKILL');
    };
    call.signal?.addEventListener('abort', kill, { once: true });
    if (call.signal?.aborted === true) kill();
    child.stdout.on('data', io.stdout);
    child.stderr.on('data', io.stderr);
    child.once('error', (cause) => {
      reject(noGit(cause));
    });
    child.once('close', (code) => {
      call.signal?.removeEventListener('abort', kill);
      resolve(code);
    });
  });
}

async function runConfined(
  args: readonly string[],
  call: GitCall & { startProcess: StartProcess },
  io: GitIo,
): Promise<number | null> {
  const { cwd, env, signal } = call;
  const binary = resolveBinary('git', env['PATH'] ?? '', cwd);
  if (binary.kind === 'missing') throw noGit(new Error(binary.why));
  const running = call.startProcess(
    { argv: [binary.file, ...args], cwd, env, stdin: 'ignore', tmpDir: '/tmp' },
    io,
  );
  const kill = (): void => {
    void running.terminate(0);
  };
  signal?.addEventListener('abort', kill, { once: true });
  if (signal?.aborted === true) kill();
  const end: ProcessEnd = await running.ended;
  signal?.removeEventListener('abort', kill);
  if (end.kind === 'spawn') throw noGit(new Error(end.errno));
  return end.kind === 'exit' ? end.code : null;
}

function noGit(cause: unknown): FleetError {
  return new FleetError('ENGINE_UNAVAILABLE', 'git cannot be run.', { next: 'Install git.', cause });
}

/** Git said no; `complaint` is its own text, for logs and for decisions, never for a model. */
export class GitFailed extends FleetError {
  readonly complaint: string;

  constructor(command: string, code: number | null, complaint: string) {
    super('INTERNAL', `git ${command} failed (${String(code)}).`);
    this.complaint = complaint;
  }
}
