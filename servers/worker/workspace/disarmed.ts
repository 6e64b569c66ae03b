/**
 * Git, asked about a repository nobody vouches for: whatever the repository's or the user's configuration
 * says, no hook, monitor, pager, external diff, signature check, lazy fetch or prompt is run. The one
 * place that says so; every Git of ours and of `git` entries by rules is started with it.
 */
export const disarmedSettings: readonly Setting[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.attributesFile', '/dev/null'],
  ['core.pager', 'cat'],
  ['core.sshCommand', 'false'],
  ['core.gitProxy', 'false'],
  ['core.askPass', 'false'],
  ['core.editor', 'false'],
  ['core.alternateRefsCommand', 'false'],
  ['credential.helper', ''],
  ['format.pretty', 'medium'],
  ['gpg.program', 'false'],
  ['gpg.openpgp.program', 'false'],
  ['gpg.x509.program', 'false'],
  ['gpg.ssh.program', 'false'],
  ['gpg.ssh.defaultKeyCommand', 'false'],
  ['interactive.diffFilter', ''],
  ['log.showSignature', 'false'],
  ['protocol.allow', 'never'],
  ['submodule.recurse', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
];

export type Setting = readonly [name: string, value: string];

/** Beside the settings; nothing is asked, fetched or written on the side. */
export const disarmedEnvironment: Readonly<Record<string, string>> = {
  GIT_ALLOW_PROTOCOL: '',
  GIT_NO_LAZY_FETCH: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_PAGER: 'cat',
};

/** For a Git of our own, which needs nothing of the user's or the system's configuration. */
export const ownGitEnvironment: Readonly<Record<string, string>> = {
  ...disarmedEnvironment,
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

/** Settings as variables: unlike `-c`, any name can be said so (git-config(1), ENVIRONMENT). */
export function settingsEnvironment(settings: readonly Setting[]): Record<string, string> {
  const variables = settings.flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${String(at)}`, name],
    [`GIT_CONFIG_VALUE_${String(at)}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(variables) };
}

/** What names the settings of drivers, for disarmedDrivers(): `git` with these arguments. */
export const namesOfSettings = ['config', '--null', '--name-only', '--list'] as const;

/**
 * Drivers that a configuration names have no switch of their own: filters, text conversions, external
 * diffs and merges are named one by one, and emptied. An empty filter is none (gitattributes(5)).
 */
export function disarmedDrivers(namesOut: string): Setting[] {
  const names = new Set(namesOut.split('\0').filter((name) => /^(?:filter|diff|merge)\./.test(name)));
  return [...names].flatMap((name): Setting[] => {
    if (/\.(?:clean|smudge|process|textconv|command|driver)$/.test(name)) return [[name, '']];
    return name.endsWith('.required') ? [[name, 'false']] : [];
  });
}
