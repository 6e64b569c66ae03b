import { once } from 'node:events';
import { accessSync, constants, readFileSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { depthVariable, type Environment } from '../../platform/environment.ts';
import type { Install } from '../../platform/install.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import type { Config } from '../../schemas/config.ts';

/** How this installation is called: by its name where PATH leads to it, else by its file. */
export function programWords(install: Install, env: Environment): string[] {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, 'codex-fleet');
    try {
      accessSync(file, constants.X_OK);
      if (realpathSync(file) === realpathSync(install.entry)) return ['codex-fleet'];
    } catch {
      continue;
    }
  }
  return ['node', install.entry];
}

const portPatienceMs = 3_000;

/** The URL once somebody answers there: the coordinator opens its port after its socket. */
export async function awaitUrl(paths: FleetPaths): Promise<string | undefined> {
  const deadline = Date.now() + portPatienceMs;
  while (Date.now() < deadline) {
    const url = readUrl(paths);
    if (url !== undefined && (await answers(url))) return url;
    await delay(20);
  }
  return undefined;
}

async function answers(url: string): Promise<boolean> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname.replaceAll(/^\[|\]$/g, ''));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Where the coordinator serves HTTP; undefined where it does not. */
export function readUrl(paths: FleetPaths): string | undefined {
  try {
    const [port = '', url] = readFileSync(paths.portFile, 'utf8').trim().split(' ');
    return url ?? `http://127.0.0.1:${port}/mcp`;
  } catch {
    return undefined;
  }
}

/** What to put into the configuration of each client, ready to paste. */
export function mountLines(
  program: readonly string[],
  url: string | undefined,
  paths: FleetPaths,
  config: Pick<Config, 'credentials'>,
): string {
  const [command, ...args] = program;
  const quoted = [...args, 'mcp'].map((arg) => JSON.stringify(arg)).join(', ');
  const words = [...program, 'mcp'].map(quoteWord).join(' ');
  const lines = [
    'Codex, in ~/.codex/config.toml:',
    '',
    '  [mcp_servers.fleet]',
    `  command = ${JSON.stringify(command)}`,
    `  args = [${quoted}]`,
    '  default_tools_approval_mode = "approve"',
    `  env_vars = [${bridgeVariables(config).join(', ')}]`,
    '',
    'Claude Code:',
    '',
    `  claude mcp add fleet -- ${words}`,
    '  claude --allowedTools mcp__fleet',
  ];
  if (url === undefined) return lines.join('\n');
  return [
    ...lines,
    '',
    `Any client that takes a URL: ${url}`,
    `with the header "Authorization: Bearer SECRET"; the secret is in ${paths.secretFile}`,
  ].join('\n');
}

/** What the bridge reads of its environment, which Codex gives it only where it is named; as TOML. */
function bridgeVariables({ credentials }: Pick<Config, 'credentials'>): string[] {
  const sources = Object.values(credentials).flatMap((source) => ('env' in source ? [source.env] : []));
  return [depthVariable, ...sources].map((name) => JSON.stringify(name));
}

/** A word as a shell takes it. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
