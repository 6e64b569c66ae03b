import type { OwnRules, ProgramCommand } from '../../schemas/commands.ts';
import { argumentRules, type ArgumentRules } from './argument-rules.ts';
import { executingKind } from './executing.ts';
import { refusalOf, type Within } from './judge-arguments.ts';
import type { ProgramRules, ScriptRules } from './program-rules.ts';
import { shippedRules } from './shipped/index.ts';

interface Passed {
  added: readonly string[];
  obeysRepository: boolean;
}

/** The rules an entry names; a string says why there are none. */
export function rulesOf({ binary, rules }: ProgramCommand): ProgramRules | string {
  if (rules !== 'shipped') return compiled(binary, rules);
  const shipped = shippedRules(binary);
  if (shipped !== undefined) return shipped;
  if (executingKind(binary) === undefined) {
    return `no rules ship for "${binary}": write your own under "rules", or an exact {"argv": […]}`;
  }
  return (
    `"${binary}" runs what its arguments say, and no rules ship for it: write out what it may run as an ` +
    `exact {"argv": […]}, or write "rules" of your own`
  );
}

/** Whether a program may get these arguments; a string says why not. */
export function judgeProgram(
  entry: ProgramCommand,
  args: readonly string[],
  cwd: string | undefined,
): Passed | string {
  const rules = rulesOf(entry);
  if (typeof rules === 'string') return rules;
  const within: Within = { cwd, anywhere: entry.anywhere };
  const passed = { added: [], obeysRepository: rules.obeysRepository };
  const { scripts } = rules;
  if (scripts !== undefined) {
    const found = findScript(scripts, args);
    if (found !== undefined) return judgeScript(entry, scripts, found, within) ?? passed;
  }
  if (rules.commands === undefined) return refused(entry.binary, rules.plain, args, within) ?? passed;
  const [name = '', ...rest] = args;
  const command = rules.commands.get(name);
  if (command !== undefined) {
    return refused(`${entry.binary} ${name}`, command, rest, within) ?? { ...passed, added: command.added };
  }
  if (rules.plain !== undefined && refusalOf(rules.plain, args, within) === undefined) return passed;
  const names = [...rules.commands.keys()].join(', ');
  return name.startsWith('-')
    ? `"${entry.binary}" may get no option before its sub-command, and got ${JSON.stringify(name)}`
    : `"${entry.binary} ${name}" is not among what its rules allow: ${names}`;
}

function refused(
  what: string,
  rules: ArgumentRules | undefined,
  args: readonly string[],
  within: Within,
): string | undefined {
  const why = rules === undefined ? 'it takes a sub-command' : refusalOf(rules, args, within);
  if (why === undefined) return undefined;
  const options =
    rules === undefined ? [] : [...rules.flags, ...rules.values.keys(), ...rules.optional.keys()];
  const few = options.length > 12 ? [...options.slice(0, 12), '…'] : options;
  return `"${what}": ${why}` + (few.length === 0 || !why.includes('option') ? '' : ` (${few.join(' ')})`);
}

interface FoundScript {
  name: string;
  beside: string[];
}

/** A script's name where one stands, and what stands beside it. */
function findScript(scripts: ScriptRules, args: readonly string[]): FoundScript | undefined {
  if (scripts.after.length === 0) {
    const at = args.findIndex((word) => !word.startsWith('-'));
    return at < 0 ? undefined : { name: args[at] ?? '', beside: args.slice(0, at) };
  }
  const [first = '', second, ...rest] = args;
  if (scripts.alone.includes(first)) return { name: first, beside: args.slice(1) };
  if (!scripts.after.includes(first) || second === undefined) return undefined;
  return { name: second, beside: rest };
}

/** Why a script may not be run so; undefined where it may. */
function judgeScript(
  { binary, scripts: allowed }: ProgramCommand,
  { rules }: ScriptRules,
  { name, beside }: FoundScript,
  within: Within,
): string | undefined {
  const quoted = JSON.stringify(name);
  const why = refused(binary, rules, beside, within);
  if (why !== undefined || allowed.includes(name)) return why;
  return `"${binary}" may run ${quoted} only where the entry names it: "scripts": [${quoted}]`;
}

function compiled(binary: string, own: OwnRules): ProgramRules {
  const short = 'attached';
  return {
    commands:
      own.commands === undefined
        ? undefined
        : new Map(
            Object.entries(own.commands).map(([name, rules]) => [name, argumentRules({ ...rules, short })]),
          ),
    plain: own.commands === undefined ? argumentRules({ ...own, short }) : undefined,
    obeysRepository: binary === 'git',
  };
}
