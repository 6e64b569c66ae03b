import { spawn } from 'node:child_process';
import { FleetError } from '../../../core/errors.ts';

/**
 * Nothing a repository or a user's configuration can make Git run: no hooks, no file-system monitor,
 * no external diff, no prompts, no writes a read-only command would make on the side.
 */
const disarmed = [
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.attributesFile=/dev/null',
  '-c',
  'safe.directory=*',
  '-c',
  'protocol.allow=never',
  '-c',
  'protocol.file.allow=always',
  '-c',
  'gc.auto=0',
] as const;

const maxErrorBytes = 2_000;

export interface GitCall {
  cwd: string;
  /** Of a run; only its PATH is used. */
  env: Readonly<Record<string, string>>;
  /** GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE. */
  location?: Readonly<Record<string, string>>;
  /** Gets the output as it comes; without it the whole output is returned (keep it small). */
  onOutput?: (chunk: Buffer) => void;
  /** Kills it. */
  signal?: AbortSignal | undefined;
}

/** Runs Git by argv. Rejects with ENGINE_UNAVAILABLE where there is no git, INTERNAL where it fails. */
export function git(args: readonly string[], call: GitCall): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...disarmed, ...args], {
      cwd: call.cwd,
      env: {
        PATH: call.env['PATH'] ?? '',
        HOME: '/nonexistent',
        LC_ALL: 'C.UTF-8',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_TERMINAL_PROMPT: '0',
        GIT_OPTIONAL_LOCKS: '0',
        ...call.location,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const kill = (): void => {
      child.kill('SIGKILL');
    };
    call.signal?.addEventListener('abort', kill, { once: true });
    if (call.signal?.aborted === true) kill();
    const output: Buffer[] = [];
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (call.onOutput === undefined) output.push(chunk);
      else call.onOutput(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < maxErrorBytes) complaint += chunk.toString('utf8');
    });
    child.once('error', (cause) => {
      reject(new FleetError('ENGINE_UNAVAILABLE', 'git cannot be run.', { next: 'Install git.', cause }));
    });
    child.once('close', (code) => {
      call.signal?.removeEventListener('abort', kill);
      if (code === 0) resolve(Buffer.concat(output).toString('utf8'));
      else reject(new GitFailed(args[0] ?? 'git', code, complaint));
    });
  });
}

/** Git said no; `complaint` is its own text, for logs and for decisions, never for a model. */
export class GitFailed extends FleetError {
  readonly complaint: string;

  constructor(command: string, code: number | null, complaint: string) {
    super('INTERNAL', `git ${command} failed (${String(code)}).`);
    this.complaint = complaint;
  }
}
