import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mountLines } from '../../cli/fleet/mount.ts';
import { fleetPaths } from '../../platform/paths.ts';

it('the lines for Codex in the README are those `up` prints for an empty configuration', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, snippet = ''] = /```toml\n(\[mcp_servers\.fleet\]\ncommand[^`]*)```/.exec(readme) ?? [];
  const printed = mountLines(['codex-fleet'], undefined, fleetPaths({ HOME: '/home/jane' }), {
    credentials: {},
  });
  const lines = printed.split('\n').map((line) => line.trim());
  const from = lines.indexOf('[mcp_servers.fleet]');
  expect(snippet.trim().split('\n')).toEqual(lines.slice(from, lines.indexOf('', from)));
});

it('Codex is told to hand over the variables credentials are read from', () => {
  const credentials = { KEY: { env: 'SOME_KEY' }, OTHER: { file: '/home/jane/key' } };
  const printed = mountLines(['codex-fleet'], undefined, fleetPaths({ HOME: '/home/jane' }), { credentials });
  expect(printed).toContain('env_vars = ["CODEX_FLEET_DEPTH", "SOME_KEY"]');
});
