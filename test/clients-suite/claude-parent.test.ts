import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claudeBinary, claudeEnvironment } from '../helpers/claude.ts';
import { createFleet, programFile, runProgram, type TestFleet } from '../helpers/fleet.ts';
import { startScriptedMessages, type Block, type Turn } from '../scripted-messages/start.ts';

let fleet: TestFleet;
beforeEach(async () => {
  fleet = await createFleet();
  execFileSync('git', ['init', '-q', fleet.work]);
});
afterEach(() => fleet.close());

const handlePattern = /hdl_[A-Za-z0-9_-]{21}/;

/** How the fleet is mounted, as the client's configuration says it. */
const mounts: [string, () => Promise<Record<string, unknown>>][] = [
  [
    'the bridge',
    () => Promise.resolve({ command: process.execPath, args: [programFile, 'mcp'], env: fleet.env }),
  ],
  [
    'HTTP, where it has to fall back to initialize',
    async () => {
      expect((await fleet.cli('up')).code).toBe(0);
      const headers = { Authorization: `Bearer ${await fleet.secret()}` };
      return { type: 'http', url: await fleet.url(), headers };
    },
  ],
];

test.each(mounts)(
  'Claude Code starts a batch, polls it and reads a handle through %s',
  async (_name, mount) => {
    const answer = ({ answers, results }: Turn): Block[] => {
      const last = results.at(-1) ?? '';
      if (answers === 0) {
        const runs = [{ stages: ['languages'] }, { stages: ['scripts'] }].map((each) => ({
          pipeline: 'diagnostics',
          ...each,
        }));
        return [{ tool: 'mcp__fleet__start_run', input: { task_id: 'claude', cwd: fleet.work, runs } }];
      }
      if (answers === 1)
        return [
          { tool: 'mcp__fleet__poll_run', input: { task_id: 'claude', until: 'all', wait_ms: 20_000 } },
        ];
      const handle = handlePattern.exec(last)?.[0];
      if (answers === 2 && handle !== undefined)
        return [{ tool: 'mcp__fleet__read_handle', input: { handle_id: handle } }];
      return [{ text: `finished: ${last}` }];
    };
    const model = await startScriptedMessages(answer);
    try {
      const mcp = join(fleet.home, 'mcp.json');
      writeFileSync(mcp, JSON.stringify({ mcpServers: { fleet: await mount() } }));
      const args = ['-p', 'go', '--mcp-config', mcp, '--strict-mcp-config', '--allowedTools', 'mcp__fleet'];
      const result = await runProgram(
        claudeBinary(),
        args,
        fleet.work,
        claudeEnvironment(model.url, fleet.home),
      );
      expect(result.code, result.stdout + result.stderr).toBe(0);
      const [started, polled, read] = model.turns.at(-1)?.results ?? [];
      expect(started).toMatch(/run_[A-Za-z0-9_-]{21}/);
      expect(polled).toContain('"status":"completed"');
      expect(polled).toMatch(handlePattern);
      expect(read).toContain('"text":');
      expect(result.stdout).toContain('finished:');
      expect(model.unknownPaths).toEqual([]);
    } finally {
      await model.close();
    }
  },
  90_000,
);
