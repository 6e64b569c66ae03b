import { shellWords } from './shell-words.ts';

/** Characters that mean nothing to a shell wherever they stand in a word. */
const plainWord = /^[A-Za-z0-9_./:=@%+,-]+$/;
const plainProgram = /^[A-Za-z0-9_./+-]+$/;
/** A word in one pair of quotes, with nothing inside that a shell would look at. */
const quotedWord = /^(?:'[^'\n\r\0]*'|"[^"$`\\!\n\r\0]*")$/;
/** Words a shell reads as grammar where it expects a program. */
const grammar = new Set(
  'case coproc do done elif else esac fi for function if in select then time until while'.split(' '),
);
const shells = new Set(['bash', 'dash', 'sh', 'zsh']);

/**
 * The script Codex hands to a shell, out of the command line it shows for approval
 * (`/bin/bash -c '…'`, each word quoted). Undefined for any other form.
 */
export function shellScript(commandLine: string): string | undefined {
  const [shell, flag, script, ...rest] = shellWords(commandLine) ?? [];
  if (shell === undefined || !shells.has(shell.slice(shell.lastIndexOf('/') + 1))) return undefined;
  return flag === '-c' && rest.length === 0 ? script : undefined;
}

/**
 * The arguments of a script that is exactly one plain command: words that stand for themselves,
 * some of them quoted as a whole. Undefined for everything else, be it an operator, a redirection,
 * an expansion, an assignment, a comment, a glob, or mere doubt.
 */
export function plainArgv(script: string): string[] | undefined {
  const written = writtenWords(script);
  const program = written[0];
  if (program === undefined || !plainProgram.test(program) || grammar.has(program)) return undefined;
  const argv: string[] = [];
  for (const word of written) {
    if (plainWord.test(word)) argv.push(word);
    else if (quotedWord.test(word)) argv.push(word.slice(1, -1));
    else return undefined;
  }
  return argv;
}

/** Words as they are written, quotes included. An open quote leaves a word no pattern accepts. */
function writtenWords(script: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (const char of script) {
    if (quote === '' && (char === ' ' || char === '\t')) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (quote === '' && (char === "'" || char === '"')) quote = char;
    else if (char === quote) quote = '';
    word += char;
  }
  if (word !== '') words.push(word);
  return words;
}
