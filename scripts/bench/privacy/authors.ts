import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { email, named, Writer, type Labelled } from './labelled.ts';

/** Packages that carry the list of authors that was made of their repository's git log. */
export const authorPackages = ['npm@6.14.18', 'jquery@3.7.1'] as const;

interface Author {
  name: string;
  email: string;
}

/** The authors of public repositories in what git prints of a repository in which each made a commit. */
export async function authorText(folder: string): Promise<Labelled> {
  const lists = await Promise.all(
    ['npm/AUTHORS', 'jquery/AUTHORS.txt'].map((file) => readFile(join(folder, 'node_modules', file), 'utf8')),
  );
  const repository = join(folder, 'authors.git');
  await git(['init', '--quiet', '--bare', repository]);
  await git(['-C', repository, 'fast-import', '--quiet'], commitsOf(lists.flatMap(authorsIn)));
  const shown = await Promise.all(
    [
      ['log'],
      ['log', '--format=fuller'],
      ['log', '--format=raw'],
      ['shortlog', '--summary', '--numbered', '--email', 'main'],
      ['log', '--format=%an%x09%ae%x09%s'],
    ].map((args) => git(['-C', repository, ...args, ...(args[0] === 'log' ? ['main'] : [])])),
  );
  return labelled(shown.join('\n'));
}

function authorsIn(list: string): Author[] {
  return list.split('\n').flatMap((line) => {
    const [, name, address] = /^([^<>#]+) <([^<>\s]+)>/.exec(line) ?? [];
    return name === undefined || address === undefined ? [] : [{ name: name.trim(), email: address }];
  });
}

function commitsOf(authors: readonly Author[]): string {
  return authors
    .map(({ name, email: address }, at) => {
      const who = `${name} <${address}> ${1_700_000_000 + at * 61} +0000`;
      const message = `Mend part ${at}\n`;
      return `commit refs/heads/main\nauthor ${who}\ncommitter ${who}\ndata ${message.length}\n${message}\n`;
    })
    .join('');
}

/** Where git puts a name and an address: its own headers, and columns that were asked for. */
const structured =
  /^((?:Author|Commit): +|(?:author|committer) | +\d+\t)([^<>\n]+)( <)([^<>\s]+)(>[^\n]*)$|^([^\t\n]+)(\t)([^\t\s]+@[^\t\s]+)(\t[^\n]*)$/;

function labelled(output: string): Labelled {
  const writer = new Writer();
  for (const line of output.split('\n')) {
    const found =
      structured
        .exec(line)
        ?.slice(1)
        .filter((part) => part !== undefined) ?? [];
    const [lead, name, mark, address, rest] = found.length === 4 ? ['', ...found] : found;
    if (name === undefined || address === undefined) writer.add(line, '\n');
    else writer.add(lead ?? '', named(name), mark ?? '', email(address), rest ?? '', '\n');
  }
  return writer.done();
}

async function git(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('git', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  return await text(child.stdout);
}
