import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { judgeArgv } from '../../../../core/argv-policy.ts';
import type { AllowedCommand } from '../../../../schemas/commands.ts';
import type { Config } from '../../../../schemas/config.ts';
import type { CommandPolicy } from '../../../../schemas/pipeline.ts';
import type { EscalationKind, Question } from '../../../../schemas/run.ts';
import { admitProgram } from '../../commands/admit-program.ts';
import { isInside } from './permission-profile.ts';
import { plainArgv, shellScript } from './plain-argv.ts';
import type { CommandApproval, FileChangeApproval, FileUpdate } from './protocol.ts';

export interface ApprovalPolicy {
  commands: CommandPolicy;
  allowed: readonly AllowedCommand[];
  cwd: string;
  /** PATH of what Codex runs. */
  path: string;
  /** Whether all that it runs stays in a sandbox that was seen to hold. */
  confined: boolean;
  /** The sandbox gives nothing more, whatever is accepted: see ProfileFolders. */
  isShut: boolean;
  /** What becomes of questions. */
  questions: Config['questions']['policy'];
}

/** Whether Codex may do what it asks for, with the words a person would be asked. */
export interface Verdict {
  accept: boolean;
  question: Question;
}

/**
 * `allow-list`: one plain command that is on the list, inside the workspace, asking for nothing more
 * than to run. `sandboxed`: nothing, because only what wants to leave the sandbox is asked about; unless
 * questions are to be answered by the list: then such a command, with no more than a reason.
 */
export function judgeCommand(policy: ApprovalPolicy, asked: CommandApproval): Verdict {
  const script =
    asked.command === null || asked.command === undefined ? undefined : shellScript(asked.command);
  const text = script ?? asked.command ?? '(no command given)';
  const why = asked.reason === null || asked.reason === undefined ? '' : ` (${asked.reason})`;
  const escalation = escalationOf(policy, asked);
  return {
    accept: isAllowed(policy, asked, script),
    question: { kind: 'command', text: `${text}${why}`, ...(escalation !== undefined && { escalation }) },
  };
}

/**
 * What more than it was started with a command asks for; undefined for one that runs within that. Codex says not
 * always that a command asks to leave the sandbox, and asks about some that do not: where the sandbox is
 * shut, only what gives a reason counts, and whatever is accepted runs inside; else each may get more.
 */
function escalationOf(policy: ApprovalPolicy, asked: CommandApproval): EscalationKind | undefined {
  if (isGiven(asked.networkApprovalContext)) return 'network';
  if (isGiven(asked.additionalPermissions)) return 'permissions';
  return !policy.isShut || isGiven(asked.reason) ? 'sandbox' : undefined;
}

function isGiven(extra: unknown): boolean {
  return extra !== undefined && extra !== null;
}

function isAllowed(policy: ApprovalPolicy, asked: CommandApproval, script: string | undefined): boolean {
  const byList = policy.questions === 'accept-allow-listed';
  if (policy.commands !== 'allow-list' && !byList) return false;
  const extras = [asked.networkApprovalContext, asked.additionalPermissions, byList ? null : asked.reason];
  if (extras.some(isGiven) || asked.kind !== 'command' || script === undefined) return false;
  if (asked.cwd !== null && asked.cwd !== undefined && !isInside(resolve(asked.cwd), policy.cwd))
    return false;
  const argv = plainArgv(script);
  return argv !== undefined && isAllowedArgv(policy, argv, asked.cwd ?? policy.cwd);
}

/** The same rules as for a `command` stage, and the same file on PATH. */
function isAllowedArgv(policy: ApprovalPolicy, argv: readonly string[], cwd: string): boolean {
  const judged = judgeArgv(policy.allowed, { argv, cwd });
  if (!('allowed' in judged)) return false;
  const { entry, obeysRepository } = judged.allowed;
  // Nothing disarms it here: what the repository has it run must stay in the sandbox.
  if (obeysRepository && !(policy.commands === 'allow-list' && policy.confined)) return false;
  // Codex goes by PATH: what an entry says of its place must be true of what is found there.
  const place = { path: policy.path, cwd: policy.cwd, byName: true };
  return admitProgram(entry, argv[0] ?? '', place).kind === 'found';
}

/** Folders Codex itself keeps commands out of: what they hold is run or obeyed later. */
const guarded = new Set(['.agents', '.codex', '.git']);

/** `allow-list`: changes of files in the workspace, followed to their real places. */
export async function judgeFileChange(
  policy: ApprovalPolicy,
  asked: FileChangeApproval,
  changes: readonly FileUpdate[],
): Promise<Verdict> {
  const paths = changes.flatMap((change) => [
    change.path,
    ...(change.kind.move_path ? [change.kind.move_path] : []),
  ]);
  const isPlain = policy.commands === 'allow-list' && !asked.grantRoot && paths.length > 0;
  const inside = isPlain && (await Promise.all(paths.map((path) => isOwn(path, policy.cwd)))).every(Boolean);
  const more = asked.grantRoot ? [`everything under ${asked.grantRoot}`] : [];
  return {
    accept: inside,
    question: {
      kind: 'file_change',
      text: `change ${[...paths, ...more].join(', ')}`,
      ...(!inside && { escalation: 'files' }),
    },
  };
}

async function isOwn(path: string, cwd: string): Promise<boolean> {
  const root = await realpath(cwd);
  const real = await realPlace(resolve(root, path));
  if (real === undefined || real === root || !isInside(real, root)) return false;
  return !real
    .slice(root.length)
    .split(sep)
    .some((part) => guarded.has(part));
}

/** Where a path that may not exist yet would be written; undefined for a link that leads nowhere. */
async function realPlace(path: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    try {
      return join(await realpath(at), ...missing);
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') return undefined;
      if (await isLink(at)) return undefined;
      missing.unshift(basename(at));
      if (at === dirname(at)) return undefined;
    }
  }
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (stat) => stat.isSymbolicLink(),
    () => false,
  );
}
