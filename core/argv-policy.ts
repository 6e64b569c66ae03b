import type { AllowedCommand, ExactCommand, ProgramCommand } from '../schemas/commands.ts';
import { executingKind } from './commands/executing.ts';
import { judgeProgram, rulesOf } from './commands/judge-program.ts';

/** As the last element of an allowed command: any further arguments, or none. */
const anyFurther = '...';

/** What is to be run, and what of it was chosen by somebody else than the operator. */
export interface AskedCommand {
  argv: readonly string[];
  /** Elements a caller chose. One that begins with `-` must be literally in an entry, or among its rules' options. */
  chosen?: readonly number[];
  /** Where it would run, absolute; paths below it count as inside. */
  cwd?: string | undefined;
}

export interface Allowed {
  entry: AllowedCommand;
  /** Options to put in behind the sub-command where we start it ourselves. */
  added: readonly string[];
  /** Whether what it looks at can make it run programs, so that it is disarmed, or stays in a sandbox. */
  obeysRepository: boolean;
}

/** What came of it. Only our own words and those asked for are in `why`. */
export type Judgement = { allowed: Allowed } | { why: string | undefined };

/**
 * Whether an argv is on the allow-list: equal to an exact entry element by element, or within the rules
 * of a program. Knows nothing of shells, quoting or files; the caller resolves element 0. `why` is
 * undefined where no entry is about this program.
 */
export function judgeArgv(commands: readonly AllowedCommand[], asked: AskedCommand): Judgement {
  const { argv } = asked;
  // A NUL would end the argument early for the program that gets it.
  if (argv.length === 0 || argv.some((element) => element.includes('\0'))) return { why: undefined };
  let why: string | undefined;
  for (const entry of commands) {
    if ('argv' in entry) {
      if (!matchesExactly(entry, asked)) continue;
      const fault = entryFault(entry);
      if (fault === undefined) return { allowed: { entry, added: [], obeysRepository: false } };
      why ??= fault;
      continue;
    }
    if (!isAbout(entry, argv[0] ?? '')) continue;
    const judged = judgeProgram(entry, argv.slice(1), asked.cwd);
    if (typeof judged !== 'string') return { allowed: { entry, ...judged } };
    why ??= judged;
  }
  return { why };
}

function isAbout({ binary, path }: ProgramCommand, program: string): boolean {
  return program === binary || program === path;
}

function matchesExactly({ argv: allowed }: ExactCommand, { argv, chosen = [] }: AskedCommand): boolean {
  const fixed = isOpen(allowed) ? allowed.slice(0, -1) : allowed;
  if (isOpen(allowed) ? argv.length < fixed.length : argv.length !== fixed.length) return false;
  const isOption = (at: number): boolean => argv[at]?.startsWith('-') === true && allowed[at] !== argv[at];
  return fixed.every((element, index) => element === argv[index]) && !chosen.some(isOption);
}

function isOpen(allowed: readonly string[]): boolean {
  return allowed.length > 1 && allowed.at(-1) === anyFurther;
}

/**
 * What is wrong with an entry by itself: `...` after a program that runs what its arguments say allows
 * anything at all, and rules nobody wrote allow nothing. Undefined for a sound one.
 */
export function entryFault(entry: AllowedCommand): string | undefined {
  if ('binary' in entry) {
    const rules = rulesOf(entry);
    return typeof rules === 'string' ? rules : undefined;
  }
  const { argv, trust_arguments: isTrusted } = entry;
  if (isTrusted === true || !isOpen(argv)) return undefined;
  const [program = '', first = '...'] = argv;
  const kind = executingKind(program);
  // What follows a script is the script's own.
  if (kind === undefined || (kind === 'interpreter' && takesScript(program) && isScript(first)))
    return undefined;
  return (
    `"..." after ${JSON.stringify(program)} lets whoever gives the arguments run anything: write them out, ` +
    `use {"binary": …} where rules ship, or say "trust_arguments": true`
  );
}

/** Those whose own options end with the name of a script. */
const scriptTakers = /^(?:bash|dash|ash|ksh|sh|zsh|node|nodejs|perl|python|ruby)[\d.]*$/;

function takesScript(program: string): boolean {
  return scriptTakers.test(program.slice(program.lastIndexOf('/') + 1));
}

function isScript(element: string): boolean {
  return element !== anyFurther && !element.startsWith('-');
}

/** The first entry that is wrong by itself; undefined where all are sound. */
export function faultyEntry(entries: readonly AllowedCommand[]): { at: number; why: string } | undefined {
  const faults = entries.map(entryFault);
  const at = faults.findIndex((why) => why !== undefined);
  return at < 0 ? undefined : { at, why: faults[at] ?? '' };
}
