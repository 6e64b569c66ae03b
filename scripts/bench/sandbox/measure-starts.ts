import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { config as configSchema } from '../../../schemas/config.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import { sandboxProfiles, type SandboxProfile } from '../../../schemas/sandbox.ts';
import type { ReapingLayer } from '../../../servers/worker/runner/layer.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { createSandbox, type Sandbox } from '../../../servers/worker/sandbox/sandbox.ts';

/* A process of its own, so that another user can be measured: FOLDER ROUNDS CODEX, one line of JSON. */
const [folder = '', rounds = '', codex = ''] = process.argv.slice(2);

/** The spare for the next run is opened in the meantime, as between the runs of a fan-out. */
const pauseMs = 60;
const path = '/usr/sbin:/usr/bin:/sbin:/bin';
const argv = ['/bin/true'] as const;
const stage = { name: 'start', engine: 'command' as const, argv: [...argv] };
const pipeline = pipelineSchema.parse({ stages: [stage] });
const env = { PATH: path, HOME: join(folder, 'home') };

const { layer } = await probeReaping({ config: { reaping: 'pid_namespace' }, path, stateDir: folder });
const sandbox = createSandbox({ layer, dir: folder, ours: [folder] });
// No CODEX_HOME may lie in the temporary folder.
const [codexHome, temporary] = [join(folder, 'codex'), join(folder, 'tmp')];
for (const one of [env.HOME, codexHome, temporary]) await mkdir(one);
const states = await sandbox.prove();
const times = await measure(layer, sandbox);
await layer.close();
process.stdout.write(`${JSON.stringify({ states, times })}\n`);

async function measure(reaping: ReapingLayer, held: Sandbox): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  const warm = join(folder, 'warm');
  await mkdir(warm);
  for (let round = 0; round < Number(rounds); round += 1) {
    const kinds: [string, () => Promise<void>][] = [['plain', plain]];
    for (const profile of sandboxProfiles) {
      kinds.push([profile, () => confined(reaping, held, profile, warm)]);
      if (profile === 'off') continue;
      const fresh = join(folder, `${profile}-${String(round)}`);
      await mkdir(fresh);
      kinds.push([`${profile}, first in its folder`, () => confined(reaping, held, profile, fresh)]);
    }
    if (codex !== '') kinds.push(['codex sandbox', inCodex]);
    for (const [kind, start] of kinds) {
      await delay(pauseMs);
      const begun = performance.now();
      await start();
      // The first two of a kind have no spare yet.
      if (round > 1) (found[kind] ??= []).push(performance.now() - begun);
    }
  }
  return found;
}

async function plain(): Promise<void> {
  const child = spawn(argv[0], [], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  await once(child, 'close');
}

/** In the sandbox Codex has for a workspace, which writes there alone and has no network. */
async function inCodex(): Promise<void> {
  const own = { ...env, CODEX_HOME: codexHome, TMPDIR: temporary };
  const args = ['sandbox', '-P', ':workspace', '--', ...argv];
  const child = spawn(codex, args, {
    cwd: env.HOME,
    env: own,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`codex sandbox: exit ${String(code)}`);
}

async function confined(
  reaping: ReapingLayer,
  held: Sandbox,
  profile: SandboxProfile,
  cwd: string,
): Promise<void> {
  const config = configSchema.parse({ sandbox: { profile } });
  const report = (): void => undefined;
  const start = held.around(createStartProcess(reaping), { stage, pipeline, cwd, config, env, report });
  const io = { stdout: report, stderr: report };
  const end = await start({ argv, cwd, env, stdin: 'ignore', tmpDir: folder }, io).ended;
  if (end.kind !== 'exit' || end.code !== 0) throw new Error(`${profile}: ${JSON.stringify(end)}`);
}
