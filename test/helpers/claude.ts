import { createRequire } from 'node:module';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const clients = join(dirname(fileURLToPath(import.meta.url)), '..', 'clients');
const resolve = createRequire(join(clients, 'package.json'));

/** The real Claude Code binary of test/clients. */
export function claudeBinary(): string {
  const platform = `@anthropic-ai/claude-code-${process.platform}-${process.arch}`;
  const binary = join(dirname(resolve.resolve(`${platform}/package.json`)), 'claude');
  if (!existsSync(binary)) throw new Error(`no Claude Code at ${binary}`);
  return binary;
}

const apiKey = 'sk-test-not-a-key';

/** An environment in which it talks to nothing but the scripted endpoint. */
export function claudeEnvironment(url: string, home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    CLAUDE_CONFIG_DIR: join(home, 'claude'),
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: apiKey,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_AUTOUPDATER: '1',
    DO_NOT_TRACK: '1',
    LANG: 'C.UTF-8',
  };
}

/** Writes down, as an earlier session would have, what it otherwise asks a person when it starts in `folder`. */
export function settleClaude(env: Readonly<Record<string, string>>, folder: string): void {
  const home = env['CLAUDE_CONFIG_DIR'] ?? '';
  const settled = {
    hasCompletedOnboarding: true,
    theme: 'dark',
    customApiKeyResponses: { approved: [apiKey.slice(-20)], rejected: [] },
    projects: { [folder]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
  };
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, '.claude.json'), JSON.stringify(settled));
}
