import type { Stage } from './stage.ts';
import { oneLine, type Print } from './print.ts';

const shownFiles = 60;

/** Version-control state: where HEAD is, how it stands to its upstream, what is changed. */
export const state: Stage = async ({ git, print }) => {
  if (git === undefined) {
    print('Not a git repository.');
    return;
  }
  const top = await git(['rev-parse', '--show-toplevel']);
  print(`repository  ${oneLine(top.stdout.trim())}`);
  const status = await git([
    'status',
    '--porcelain=v2',
    '--branch',
    '--show-stash',
    '--ignore-submodules=all',
    '-z',
  ]);
  printStatus(print, status.stdout.split('\0'), status.cut);
  const last = await git([
    'log',
    '-10',
    '--no-show-signature',
    '--no-color',
    '--format=%h %ad %an: %s',
    '--date=short',
  ]);
  if (last.ok && last.stdout !== '') {
    print('recent commits');
    for (const line of last.stdout.trimEnd().split('\n')) print(`  ${oneLine(line)}`);
  } else {
    print('No commits yet.');
  }
  const remotes = await git(['remote']);
  print(`remotes     ${oneLine(remotes.stdout.trim().replaceAll('\n', ', ')) || 'none'}`);
};

function printStatus(print: Print, records: readonly string[], cut: boolean): void {
  const changes: string[] = [];
  for (let at = 0; at < records.length; at += 1) {
    const record = records[at] ?? '';
    if (record.startsWith('# ')) printHeader(print, record.slice(2));
    else if (record !== '') changes.push(describeChange(record));
    // A rename is followed by its old name.
    if (record.startsWith('2 ')) at += 1;
  }
  print(
    `changes     ${changes.length === 0 ? 'none' : changes.length}${cut ? ' (git was stopped: there are more)' : ''}`,
  );
  for (const change of changes.slice(0, shownFiles)) print(`  ${oneLine(change)}`);
  if (changes.length > shownFiles) print(`  … and ${changes.length - shownFiles} more`);
}

function printHeader(print: Print, header: string): void {
  const [name = '', ...rest] = header.split(' ');
  const value = oneLine(rest.join(' '));
  if (name === 'branch.head') print(`branch      ${value}`);
  if (name === 'branch.oid') print(`commit      ${value}`);
  if (name === 'branch.upstream') print(`upstream    ${value}`);
  if (name === 'branch.ab') print(`ahead/behind ${value}`);
  if (name === 'stash') print(`stashes     ${value}`);
}

/** Porcelain v2: the number of fields before the path is fixed by the first character. */
function describeChange(record: string): string {
  const fields = record.split(' ');
  const pathAt: Record<string, number> = { '1': 8, '2': 9, u: 10 };
  const kind = fields[0] ?? '';
  const at = pathAt[kind];
  return at === undefined
    ? `${kind === '?' ? '??' : kind} ${fields.slice(1).join(' ')}`
    : `${fields[1]} ${fields.slice(at).join(' ')}`;
}
