import { count, counted, printRanking, ranked } from './print.ts';
import type { Stage } from './stage.ts';

const countedCommits = 50_000;
const churnCommits = 500;
const shownAuthors = 15;
const shownMonths = 24;
const shownFiles = 20;

/** Who committed when, and which files change most. Merges are left out of the churn. */
export const history: Stage = async ({ git, print }) => {
  if (git === undefined) {
    print('Not a git repository: no history.');
    return;
  }
  const log = await git([
    'log',
    `-${countedCommits}`,
    '--no-show-signature',
    '--format=%aN%x09%ad',
    '--date=format:%Y-%m',
  ]);
  const commits = log.stdout.split('\n').filter((line) => line !== '');
  if (!log.ok || commits.length === 0) {
    print('No commits yet.');
    return;
  }
  const authors = new Map<string, number>();
  const months = new Map<string, number>();
  for (const commit of commits) {
    const [author = '', month = ''] = commit.split('\t');
    count(authors, author);
    count(months, month);
  }
  const bounded = log.cut || commits.length === countedCommits ? ' (the latest; there are more)' : '';
  print(`${counted(commits.length, 'commit')} by ${counted(authors.size, 'author')}${bounded}`);
  print('commits by author');
  printRanking(print, ranked(authors, shownAuthors));
  print('commits by month');
  const recent = [...months].sort((a, b) => b[0].localeCompare(a[0])).slice(0, shownMonths);
  printRanking(
    print,
    recent.map(([month, commitCount]) => [commitCount, month]),
  );
  await churn(git, print);
};

async function churn(
  ...[git, print]: [NonNullable<Parameters<Stage>[0]['git']>, Parameters<Stage>[0]['print']]
): Promise<void> {
  const log = await git([
    'log',
    `-${churnCommits}`,
    '--no-merges',
    '--no-show-signature',
    '--no-ext-diff',
    '--no-textconv',
    '--no-renames',
    '--numstat',
    '--format=',
    '-z',
  ]);
  const commits = new Map<string, number>();
  let added = 0;
  let removed = 0;
  for (const record of log.stdout.split('\0')) {
    const found = /^\n*(\d+|-)\t(\d+|-)\t([^]+)$/.exec(record);
    if (found === null) continue;
    count(commits, found[3] ?? '');
    added += Number(found[1]) || 0;
    removed += Number(found[2]) || 0;
  }
  print(
    `in the last ${churnCommits} commits without merges: +${added} -${removed} lines in ${counted(commits.size, 'file')}`,
  );
  print('files by commits');
  printRanking(print, ranked(commits, shownFiles));
}
