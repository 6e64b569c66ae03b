import { spawn } from 'node:child_process';
import { FleetError } from '../../../core/errors.ts';
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
  /** Kills it. */
  signal?: AbortSignal | undefined;
}

/** Runs Git by argv. Rejects with ENGINE_UNAVAILABLE where there is no git, INTERNAL where it fails. */
export function git(args: readonly string[], call: GitCall): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, {
      cwd: call.cwd,
      env: {
        ...ownGitEnvironment,
        ...settingsEnvironment([...settings, ...(call.drivers ?? [])]),
        GIT_ALLOW_PROTOCOL: 'file',
        PATH: call.env['PATH'] ?? '',
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
