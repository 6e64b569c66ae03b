import { realpathSync } from 'node:fs';
import { join } from 'node:path';

/** Below the home folder: keys, sign-ins, tokens, histories, mail and browsers; and our own configuration. */
const belowHome = [
  '.ssh .gnupg .aws .azure .config .docker .kube .codex .claude .claude.json .gemini .netrc .npmrc .pypirc',
  '.git-credentials .password-store .pki .mozilla .thunderbird .terraform.d .cargo/credentials',
  '.cargo/credentials.toml .gem/credentials .m2/settings.xml .gradle/gradle.properties .vault-token .boto',
  '.s3cfg .pgpass .my.cnf .fly .heroku .local/share/keyrings .local/share/gnome-keyring .local/state',
  '.bash_history .zsh_history .python_history .node_repl_history .psql_history .mysql_history .sqlite_history',
  '.lesshst .Xauthority .ICEauthority .cache',
]
  .join(' ')
  .split(' ');

/** Readable to root, who loses all capabilities but stays the owner. */
const ofTheSystem = ['/etc/shadow', '/etc/gshadow', '/etc/ssh', '/etc/ssl/private'];

/** What no confined run sees; only paths that are there. */
export function privatePlaces(home: string, ours: readonly string[]): string[] {
  const places = [...belowHome.map((name) => join(home, name)), ...ofTheSystem, ...ours];
  return realPaths(places);
}

/** The real place of each that is there: a mount cannot be made over a symbolic link. */
export function realPaths(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => {
    try {
      return [realpathSync(path)];
    } catch {
      return [];
    }
  });
  return [...new Set(found)];
}
