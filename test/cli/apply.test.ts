import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { buildServer } from '../../mcp/build-server.ts';
import type { Handlers, Output } from '../../mcp/handlers.ts';
import { createOwnRequests } from '../../mcp/own-requests.ts';
import { serveSocket } from '../../mcp/serve-socket.ts';
import { createLogger } from '../../platform/log.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { operatorRequests } from '../../schemas/operator.ts';
import { fleetContracts, maxPageBytes, type FleetContracts } from '../../schemas/tools.ts';
import { inertFleetHandlers } from '../../scripts/lib/inert.ts';
import { runProgram, type Ended } from './run-program.ts';

let root: string;
let repo: string;
let stateDir: string;
const run = `run_${'a'.repeat(21)}`;
const handle = `hdl_${'b'.repeat(21)}`;
const older = `hdl_${'c'.repeat(21)}`;

function git(...args: string[]): string {
  return execFileSync('git', ['-c', 'user.email=a@b', '-c', 'user.name=a', ...args], {
    cwd: repo,
    encoding: 'utf8',
  });
}

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'fleet-apply-')));
  repo = join(root, 'repo');
  stateDir = join(root, 'state');
  for (const folder of [repo, stateDir, join(root, 'tmp')]) mkdirSync(folder, { mode: 0o700 });
  git('init', '--quiet');
  writeFileSync(join(repo, 'f'), 'one\ntwo\nthree\n');
  git('add', '--all');
  git('commit', '--quiet', '-m', 'begin');
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** A page of at most 3,000 bytes: a patch takes several. */
function page(bytes: Buffer, id: string, from: number): Output<FleetContracts['read_handle']> {
  const part = bytes.subarray(from, from + Math.min(3_000, maxPageBytes));
  return {
    handle_id: id,
    run_id: run,
    stream: 'diff',
    text: part.toString('base64'),
    encoding: 'base64',
    from_byte: from,
    to_byte: from + part.length,
    bytes: bytes.length,
    lines: 1,
    sealed: true,
    truncated: false,
    next: '',
  };
}

const exportMethod = 'codex-fleet/export';

/**
 * A coordinator's socket behind which one run has these diffs, the last of them its newest. `original`: what
 * the guard has kept of it, given out in two parts.
 */
async function serveDiffs(diffs: Record<string, Buffer>, original?: Buffer): Promise<void> {
  const handlers: Handlers<FleetContracts> = {
    ...inertFleetHandlers,
    poll_run: () => ({
      runs: [
        {
          run_id: run,
          status: 'completed',
          handles: [
            { handle_id: `hdl_${'d'.repeat(21)}`, stream: 'stdout', bytes: 1, lines: 1 },
            ...Object.entries(diffs).map(([id, bytes]) => ({
              handle_id: id,
              stream: 'diff' as const,
              bytes: bytes.length,
              lines: 1,
            })),
          ],
        },
      ],
      cursor: '1',
      more: false,
      open: 0,
      next: '',
    }),
    read_handle: ({ handle_id, from = 0 }) => page(diffs[handle_id] ?? Buffer.alloc(0), handle_id, from),
  };
  const log = createLogger({ name: 'test', level: 'silent' });
  const half = Math.ceil((original?.length ?? 0) / 2);
  const requests = createOwnRequests(
    { [exportMethod]: operatorRequests[exportMethod] },
    {
      [exportMethod]: ({ from }) => {
        const data = original?.subarray(from, from + half).toString('base64');
        return Promise.resolve({ more: from === 0 && half > 0, ...(data !== undefined && { data }) });
      },
    },
    log,
  );
  const about = { name: 'fleet', version: '0', instructions: '', owner: 'local', log };
  const socket = fleetPaths({ HOME: root, CODEX_FLEET_STATE_DIR: stateDir }).coordinatorSocket;
  const service = await serveSocket(
    buildServer({ ...about, contracts: fleetContracts, handlers, requests }),
    socket,
  );
  onTestFinished(() => service.close());
}

function apply(...args: string[]): Promise<Ended> {
  return runProgram(['apply', ...args], stateDir, { cwd: repo, env: { TMPDIR: join(root, 'tmp') } });
}

function diffOf(change: () => void): Buffer {
  change();
  git('add', '--all');
  const patch = execFileSync('git', ['diff', '--cached', '--binary', '--full-index'], { cwd: repo });
  git('reset', '--quiet', '--hard');
  return patch;
}

describe('codex-fleet apply', () => {
  it("applies a run's newest diff, byte for byte, and leaves nothing behind", async () => {
    const image = Buffer.concat(
      Array.from({ length: 500 }, (_, at) => createHash('sha256').update(String(at)).digest()),
    );
    const patch = diffOf(() => {
      writeFileSync(join(repo, 'f'), 'one\n2\nthree\n');
      writeFileSync(join(repo, 'image'), image);
    });
    expect(patch.length).toBeGreaterThan(6_000);
    await serveDiffs({ [older]: Buffer.from('not this one'), [handle]: patch });
    const checked = await apply('--check', run);
    expect(checked).toEqual({ code: 0, stdout: 'Would change f, image\n', stderr: '' });
    expect(git('status', '--porcelain')).toBe('');

    expect(await apply(run)).toEqual({ code: 0, stdout: 'Changed f, image\n', stderr: '' });
    expect(readFileSync(join(repo, 'f'), 'utf8')).toBe('one\n2\nthree\n');
    expect(readFileSync(join(repo, 'image')).equals(image)).toBe(true);
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it('applies what stood there before the guard, where that is kept', async () => {
    const original = diffOf(() => writeFileSync(join(repo, 'f'), 'jane@example.org\n'));
    const guarded = Buffer.from(original.toString().replace('jane@example.org', 'EMAIL_000000000000000000'));
    await serveDiffs({ [handle]: guarded }, original);
    expect(await apply(run)).toMatchObject({ code: 0 });
    expect(readFileSync(join(repo, 'f'), 'utf8')).toBe('jane@example.org\n');
  });

  it('tells as JSON what it did', async () => {
    await serveDiffs({ [handle]: diffOf(() => writeFileSync(join(repo, 'f'), 'new\n')) });
    const ended = await apply('--json', run);
    expect(JSON.parse(ended.stdout)).toEqual({ run_id: run, applied: true, files: ['f'] });
  });

  it('changes nothing where the diff does not fit, and says so', async () => {
    await serveDiffs({ [handle]: diffOf(() => writeFileSync(join(repo, 'f'), 'one\n2\nthree\n')) });
    writeFileSync(join(repo, 'f'), 'one\nzwei\nthree\n');
    git('commit', '--quiet', '-am', 'mine');
    const ended = await apply(run);
    expect(ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining("'f' with conflicts"),
    });
    expect(git('status', '--porcelain')).toBe('');
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it('says where a run has no diff', async () => {
    await serveDiffs({});
    expect(await apply(run)).toMatchObject({ code: 1, stderr: expect.stringContaining('has no diff') });
  });

  it.each([
    [[], 'Name one run'],
    [['a', 'b'], 'Name one run'],
    [['task'], 'is not a run'],
    [['--force', run], "Unknown option '--force'"],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stderr } = await apply(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('needs a fleet', async () => {
    expect(await apply(run)).toMatchObject({ code: 1, stderr: expect.stringContaining('codex-fleet up') });
  });
});
