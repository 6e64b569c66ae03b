import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findPrograms } from '../../servers/worker/runner/find-programs.ts';
import { BridgeClient } from '../cli/bridge-client.ts';
import { eventually, processesWith } from '../helpers/processes.ts';
import { realFleet, type RealFleet } from './real-fleet.ts';

const secrets = {
  FLEET_TEST_SECRET: 'secret-of-the-shell',
  ANTHROPIC_API_KEY: 'secret-of-the-client',
  NODE_OPTIONS: '--no-deprecation',
  HANDED_OVER: 'secret-of-the-configuration',
};

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function parentOf(pid: number): number {
  const stat = read(`/proc/${String(pid)}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

/** A process and all it started, as the machine sees them. */
function family(root: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const members = new Set([root]);
  for (let size = 0; size !== members.size;) {
    size = members.size;
    for (const pid of all) if (members.has(parentOf(pid))) members.add(pid);
  }
  return [...members];
}

/** Starts the fleet by a bridge whose client has secrets, and a run that waits and tells what it can see. */
async function startByBridge(real: RealFleet): Promise<{ output: string; gate: string }> {
  const env = { ...real.fleet.env, ...secrets };
  const client = new BridgeClient(real.fleet.stateDir, { cwd: real.fleet.work, env });
  onTestFinished(() => client.end());
  await client.initialize();
  const output = join(real.fleet.work, 'seen');
  const gate = join(real.fleet.work, 'gate');
  const input = { pipeline: 'look', inputs: { output, gate } };
  const answer = await client.request(1, 'tools/call', { name: 'start_run', arguments: input });
  expect(JSON.stringify(answer)).toContain('run_');
  expect(readlinkSync(`/proc/${String(client.child.pid)}/cwd`)).toBe('/');
  await eventually(() => read(output).endsWith('\nall\n'), 20_000);
  return { output, gate };
}

/** Writes down its own environment and that of every process it can see, then waits for the gate. */
const look = `
  const fs = require('node:fs');
  const [output, gate] = process.argv.slice(1);
  const seen = fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  const lines = seen.map((pid) => { try { return fs.readFileSync('/proc/' + pid + '/environ', 'latin1'); } catch { return ''; } });
  const pids = fs.readlinkSync('/proc/self/ns/pid');
  fs.writeFileSync(output, [JSON.stringify(process.env) + pids, ...lines].join('|') + '\\nall\\n');
  setInterval(() => fs.existsSync(gate) && process.exit(), 10);
`;

const [unshare = ''] = findPrograms('unshare', '');
const hasNamespaces =
  spawnSync(unshare, ['--user', '--map-root-user', '--pid', '--fork', 'true']).status === 0;

const config = {
  credentials: { HANDED_OVER: { env: 'HANDED_OVER' } },
  pipelines: {
    look: {
      inputs: { output: { type: 'string', required: true }, gate: { type: 'string', required: true } },
      stages: [
        {
          name: 's',
          engine: 'command',
          argv: [process.execPath, '-e', look, '${inputs.output}', '${inputs.gate}'],
        },
      ],
    },
  },
};

describe.each(['auto', 'best_effort'])('a client with secrets in its environment, reaping %s', (reaping) => {
  it('gives none of them to coordinator, workers or runs', { timeout: 60_000 }, async () => {
    const real = await realFleet({ ...config, reaping, workers: { count: 1, slots: 1 } });
    onTestFinished(() => real.close());
    const { output, gate } = await startByBridge(real);
    const own = real.processes();
    expect(own.map(({ name }) => name)).toEqual(['coordinator', 'local-1']);
    const pids = [...new Set(own.flatMap(({ pid }) => family(pid)))];
    // The run and what keeps it are among them.
    expect(pids.length).toBeGreaterThan(own.length);
    const environments = pids.map((pid) => read(`/proc/${String(pid)}/environ`));
    expect(environments.some((text) => text.includes('CODEX_FLEET_DEPTH=1'))).toBe(true);
    if (reaping === 'best_effort') expect(read(output).includes('CODEX_FLEET_STATE_DIR')).toBe(true);
    // Names only: what fails is printed.
    const leaked = Object.entries(secrets).flatMap(([name, value]) =>
      [...environments, seenByRun(output)].some((text) => text.includes(value) || text.includes(`${name}=`))
        ? [name]
        : [],
    );
    expect(leaked).toEqual([]);
    // In a namespace of its own it does not see the bridge either, which has what its client gave it.
    const isApart = !read(output).includes(readlinkSync('/proc/self/ns/pid'));
    const seen = isApart ? Object.values(secrets).filter((value) => read(output).includes(value)) : [];
    expect({ isApart: isApart || reaping === 'best_effort', seen }).toEqual({
      isApart: hasNamespaces || reaping === 'best_effort',
      seen: [],
    });
    for (const { pid } of own) expect(readlinkSync(`/proc/${String(pid)}/cwd`)).toBe('/');
    writeFileSync(gate, '');
    await eventually(() => processesWith(gate).length === 0);
    // Databases, logs, records, manifests: names of files only, since what fails is printed.
    const told = Object.values(secrets).filter((value) => value.startsWith('secret-of'));
    const kept = readdirSync(join(real.fleet.stateDir, '..'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      // With everything it can see in it, those of other tests as well.
      .filter((file) => file !== output);
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.filter((file) => told.some((value) => read(file).includes(value)))).toEqual([]);
  });

  /** Without the bridge, the shell of the test and whatever else runs on the machine beside the fleet. */
  function seenByRun(output: string): string {
    const all = read(output).split('|');
    return all.filter((text, at) => at === 0 || text.includes('CODEX_FLEET_DEPTH=')).join('|');
  }
});
