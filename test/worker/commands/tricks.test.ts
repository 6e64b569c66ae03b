import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { config as configSchema } from '../../../schemas/config.ts';
import { commandEngine } from '../../../servers/worker/engines/command.ts';
import { judgeCommand } from '../../../servers/worker/engines/codex/approvals.ts';
import { findPrograms } from '../../../servers/worker/runner/find-programs.ts';
import { openTestWorker, until } from '../support/test-worker.ts';
import { arm, layOut, type Site } from './site.ts';
import { entries, gitTricks, honest, otherTricks, type Trick } from './tricks.ts';

const allTricks = [...gitTricks, ...otherTricks];
const path = [resolve('node_modules/.bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(':');
let site: Site;

beforeAll(() => {
  site = layOut(mkdtempSync('/var/tmp/ft-'));
});
afterAll(() => {
  rmSync(site.root, { recursive: true, force: true });
});

/** The trick as it is written, and where what it leaves would be. */
function placed(trick: Trick, n: number) {
  const { root, evil } = site;
  const out = join(root, `out-${String(n)}`);
  const words: Record<string, string> = {
    EVILREPO: join(root, 'other.git'),
    EVILPACKAGE: join(root, 'package'),
    EVIL: evil,
    BIN: join(root, 'bin'),
    NESTED: 'nested',
    SECRET: join(root, 'out', 'secret'),
    OUT: out,
  };
  const argv = trick.argv.map((word) =>
    word.replace(
      /EVILREPO|EVILPACKAGE|EVIL(?!VAR)|BIN|NESTED|(?<!TOP)SECRET|OUT/,
      (name) => words[name] ?? name,
    ),
  );
  return { root, out, mark: join(root, `mark-${String(n)}`), evil, argv };
}

/** Whether it does what it is meant to where nobody forbids it. */
async function works(trick: Trick, n: number): Promise<boolean> {
  const { out, mark, evil, argv, root } = placed(trick, n);
  mkdirSync(out);
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    cwd: site.work,
    env: {
      PATH: path,
      HOME: root,
      MARK: mark,
      EVIL: evil,
      EVILVAR: evil,
      npm_config_update_notifier: 'false',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  await new Promise((done) => child.once('close', done));
  if (trick.by === 'mark') return existsSync(mark);
  return trick.by === 'file' ? readdirSync(out).length > 0 : said.includes('TOPSECRET');
}

function quoted(argv: readonly string[]): string {
  const [program = '', ...args] = argv;
  return [program, ...args.map((word) => (word.includes("'") ? `"${word}"` : `'${word}'`))].join(' ');
}

describe('tricks with the arguments of allow-listed programs', () => {
  it('are real: each gets through where nothing forbids it', { timeout: 60_000 }, async () => {
    const failed: string[] = [];
    const isHere = ({ argv: [program = ''] }: Trick): boolean => findPrograms(program, path).length > 0;
    const waiting = allTricks.map((trick, n) => ({ trick, n })).filter(({ trick }) => isHere(trick));
    expect(waiting.length).toBeGreaterThanOrEqual(40);
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (!(await works(next.trick, next.n))) failed.push(next.trick.name);
      }
    };
    await Promise.all([lane(), lane(), lane()]);
    expect(failed).toEqual([]);
  });

  it('are refused by start_run of a worker, each with a reason', async () => {
    const worker = await openTestWorker({
      config: {
        commands: entries,
        pipelines: Object.fromEntries(
          allTricks.map((trick, n) => [
            `trick-${String(n)}`,
            { stages: [{ name: 's', engine: 'command', argv: placed(trick, n).argv }] },
          ]),
        ),
      },
      engines: { command: commandEngine },
    });
    const peer = await worker.connect();
    const passed: string[] = [];
    for (const [n, trick] of allTricks.entries()) {
      const call = peer.call('start_run', { pipeline: `trick-${String(n)}`, cwd: site.work });
      const error: unknown = await call.catch((cause: unknown) => cause);
      const isRefused =
        error instanceof Error && /No entry of "commands" allows .*\. "?\w/.test(error.message);
      if (!isRefused) passed.push(`${trick.name}: ${String(error)}`);
    }
    expect(passed).toEqual([]);
  });

  it('are never accepted from Codex, where what is meant honestly is', () => {
    const { commands } = configSchema.parse({ commands: entries });
    const policy = {
      commands: 'allow-list',
      isShut: true,
      allowed: commands,
      cwd: site.work,
      path,
      confined: true,
      questions: 'ask',
    } as const;
    const accepts = (argv: readonly string[]): boolean =>
      judgeCommand(policy, {
        itemId: 'i',
        kind: 'command',
        command: `/bin/bash -c '${quoted(argv).replaceAll("'", `'\\''`)}'`,
        cwd: site.work,
      }).accept;
    expect(allTricks.filter((trick, n) => accepts(placed(trick, n).argv)).map(({ name }) => name)).toEqual(
      [],
    );
    expect(honest.filter((argv) => !accepts(argv))).toEqual([]);
  });
});

describe('git by name in a work tree nobody vouches for', () => {
  const looks = [
    'status',
    'diff',
    'log -p -2',
    'log -1',
    'show HEAD',
    'blame g',
    'status --short',
    'diff HEAD -- sub',
  ];

  it('runs nothing the repository names, where git as it is does', async () => {
    arm(site);
    const mark = `${site.evil}.mark`;
    const worker = await openTestWorker({
      config: {
        commands: [{ binary: 'git' }],
        pipelines: Object.fromEntries(
          looks.map((look, n) => [
            `look-${String(n)}`,
            { stages: [{ name: 's', engine: 'command', argv: ['git', ...look.split(' ')] }] },
          ]),
        ),
      },
      engines: { command: commandEngine },
    });
    const peer = await worker.connect();
    const env = { PATH: '/usr/bin:/bin' };
    for (const [n, look] of looks.entries()) {
      spawnSync('git', look.split(' '), { cwd: site.work, env });
      expect({ look, isBait: existsSync(mark) }).toEqual({ look, isBait: true });
      rmSync(mark);
      const { runs } = await peer.call('start_run', { pipeline: `look-${String(n)}`, cwd: site.work });
      const { run_id: runId = '' } = runs[0] ?? {};
      const ended = await until(peer, runId, 'completed', 'failed');
      expect({ look, outcome: ended.outcome }).toEqual({ look, outcome: { kind: 'exit', code: 0 } });
      expect({ look, ran: existsSync(mark) }).toEqual({ look, ran: false });
    }
  });
});
