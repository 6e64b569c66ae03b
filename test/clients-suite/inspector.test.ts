import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../cli/run-program.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const inspector = join(root, 'test', 'clients', 'node_modules', '.bin', 'mcp-inspector');
const npxWords = 'npx @modelcontextprotocol/inspector ';

/** The lines the README tells people to type. */
const lines = (await readFile(join(root, 'README.md'), 'utf8'))
  .split('\n')
  .filter((line) => line.startsWith(npxWords))
  .map((line) => line.slice(npxWords.length));

/** What each of them has to answer, by the tool it calls. */
const expected: Record<string, unknown> = {
  list: { tools: expect.arrayContaining([expect.objectContaining({ name: 'start_run' })]) },
  list_workers: { structuredContent: { pipelines: expect.arrayContaining(['codex', 'diagnostics']) } },
  start_run: { structuredContent: { task_id: 'inspect', runs: [{ status: expect.any(String) }] } },
  poll_run: { structuredContent: { runs: [{ status: 'completed', outcome: 'exit 0' }], open: 0 } },
  describe_worker: { structuredContent: { worker_id: 'by-hand', draining: false } },
};

let stateDir: string;
let env: Record<string, string>;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'fi-'));
  const configFile = join(stateDir, 'config.json');
  await writeFile(configFile, JSON.stringify({ runs_dir: 'off' }));
  env = {
    PATH: process.env['PATH'] ?? '',
    HOME: stateDir,
    CODEX_FLEET_STATE_DIR: stateDir,
    CODEX_FLEET_CONFIG: configFile,
  };
});

afterAll(async () => {
  await runProgram(['down', '--cancel'], stateDir);
  await rm(stateDir, { recursive: true, force: true });
});

describe('the Inspector lines of the README', () => {
  it('are all known here', () => {
    expect(lines.map(toolOf)).toEqual(Object.keys(expected));
  });

  it.each(lines)('%s', async (line) => {
    const { stdout } = await execute(inspector, line.split(' '), { cwd: root, env });
    expect(JSON.parse(stdout)).toMatchObject({ ...Object(expected[toolOf(line)]) });
  });
});

function toolOf(line: string): string {
  return /--tool-name (\S+)/.exec(line)?.[1] ?? 'list';
}
