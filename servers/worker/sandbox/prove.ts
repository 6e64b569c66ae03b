import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layersOf } from '../../../core/sandbox.ts';
import type { LayerState, SandboxLayer } from '../../../schemas/sandbox.ts';
import { closeOf } from '../runner/child.ts';
import type { ReapingLayer } from '../runner/layer.ts';
import type { Confinement, ProcessSpec } from '../runner/process.ts';

/** It takes some tens of milliseconds; a host that needs longer runs nothing. */
const limitMs = 10_000;

/**
 * What a command that wants out would try first. `$1` is a folder with a secret beside the workspace.
 * Fixed text; nothing is put into it.
 */
const spy = `
cat "$1/secret/canary" 2>/dev/null
echo out > "$1/outside" 2>/dev/null
echo in > inside && echo "workspace writable"
echo "links $(grep -c : /proc/net/dev)"
echo "pids $(readlink /proc/self/ns/pid)"
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status
`;

type Shape = (folders: { workspace: string; secret: string }) => Confinement;

/**
 * Runs a command in the sandbox and looks at what it could do: the state of each layer of `strict`, of
 * which the filter of system calls is tried apart.
 */
export async function proveSandbox(
  layer: ReapingLayer,
  stateDir: string,
  shape: Shape,
): Promise<LayerState[]> {
  const plain = await tryOnce(layer, stateDir, shape, false);
  const filtered = await tryOnce(layer, stateDir, shape, true);
  const states = layersOf.default.map((layer): LayerState => stateOf(layer, plain));
  return [...states, stateOf('system_calls', filtered)];
}

/** Why a layer does not hold; undefined where it does. */
type Faults = Readonly<Record<SandboxLayer, string | undefined>>;

function stateOf(layer: SandboxLayer, faults: Faults): LayerState {
  const why = faults[layer];
  return why === undefined ? { layer, state: 'enforced' } : { layer, state: 'missing', why };
}

async function tryOnce(
  layer: ReapingLayer,
  stateDir: string,
  shape: Shape,
  filtersCalls: boolean,
): Promise<Faults> {
  const dir = join(stateDir, `sandbox-${randomBytes(6).toString('hex')}`);
  const [workspace, secret] = [join(dir, 'workspace'), join(dir, 'secret')];
  const canary = randomBytes(16).toString('hex');
  try {
    for (const folder of [workspace, secret]) await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(secret, 'canary'), canary);
    const confinement = { ...shape({ workspace, secret }), filtersCalls };
    const said = await listen(layer, { confinement, cwd: workspace }, dir);
    const outside = await readFile(join(dir, 'outside'), 'utf8').catch(() => '');
    const inside = await readFile(join(workspace, 'inside'), 'utf8').catch(() => '');
    const ourPids = await readlink('/proc/self/ns/pid');
    return judge({ said, canary, outside, inside, ourPids });
  } catch (error) {
    return allFaulty(error instanceof Error ? error.message : String(error));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function listen(
  layer: ReapingLayer,
  held: Pick<ProcessSpec, 'confinement' | 'cwd'>,
  dir: string,
): Promise<string> {
  const argv = ['/bin/sh', '-c', spy, 'spy', dir] as const;
  const { child, tree } = await layer.launch({
    argv,
    env: { PATH: '/usr/bin:/bin' },
    stdin: 'ignore',
    tmpDir: dir,
    ...held,
  });
  const heard = { out: '', complaint: '' };
  child.stdout?.on('data', (chunk: Buffer) => (heard.out += chunk.toString('latin1')));
  child.stderr?.on('data', (chunk: Buffer) => (heard.complaint += chunk.toString('latin1')));
  const timer = setTimeout(() => void tree.kill(), limitMs);
  try {
    await closeOf(child);
  } finally {
    clearTimeout(timer);
    await tree.kill();
  }
  if (heard.out !== '') return heard.out;
  throw new Error(heard.complaint.replaceAll(/\s+/g, ' ').trim().slice(0, 300) || 'nothing came of it');
}

interface Seen {
  said: string;
  canary: string;
  outside: string;
  inside: string;
  /** The namespace of processes we are in. */
  ourPids: string;
}

function judge({ said, canary, outside, inside, ourPids }: Seen): Faults {
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(said)?.[1] ?? '';
  const hidesFiles = !said.includes(canary) && outside === '';
  const isUnprivileged = /^0+$/.test(field('CapEff')) && field('NoNewPrivs') === '1';
  return {
    filesystem: !hidesFiles
      ? 'a planted secret was read, or a file outside written'
      : inside.trim() === 'in'
        ? undefined
        : 'the workspace could not be written',
    network: said.includes('links 1\n') ? undefined : 'other links than the loopback were seen',
    processes:
      /^pids pid:/m.test(said) && !said.includes(ourPids) ? undefined : 'processes outside were seen',
    privileges: isUnprivileged ? undefined : 'capabilities were left',
    system_calls: field('Seccomp') === '2' ? undefined : 'no filter was installed',
  };
}

function allFaulty(why: string): Faults {
  return { filesystem: why, network: why, processes: why, privileges: why, system_calls: why };
}
