import { arch, geteuid } from 'node:process';
import { callFilter, withFilter } from './call-filter.ts';
import { checkProgram } from './check-program.ts';
import type { Child } from './child.ts';
import { entryOf } from './entry.ts';
import { confinementArguments, confinementKey } from './confinement.ts';
import type { Launched, ReapingLayer } from './layer.ts';
import type { ProcessTree } from './process-tree.ts';
import { filterLauncher, launcherEnvironment } from './landlock.ts';
import { openNamespace, type Namespace } from './namespace.ts';
import type { Confinement, ProcessSpec } from './process.ts';
import { withRelay } from './relay.ts';
import { descendantsOf, readProcess, send, stopAll, type ProcessRow } from './process-table.ts';
import { keepSparePools } from './spare-pools.ts';
import { keepSpare } from './spare.ts';
import type { SpawnRun } from './spawn-child.ts';

/** Absolute paths of the programs the layer is made of (bubblewrap and util-linux). */
export interface NamespaceTools {
  bwrap: string;
  nsenter: string;
  setsid: string;
  /** What takes root's capabilities from a confined run; undefined where there is none. */
  setpriv: string | undefined;
  /** What filters the calls of a run that asks for that; undefined where there is none. */
  perl: string | undefined;
  spawnRun: SpawnRun;
}

/** Looks at nsenter until it is stopped: it takes some microseconds. */
const stopPolls = 1_000;

/**
 * Every run in a pid namespace of its own: when it ends, or this process dies, the kernel kills all of
 * it. bubblewrap opens the namespace ahead of time and `nsenter` starts the run in it, because bwrap
 * tells a signal that ended its command as exit code 128 + n, while nsenter ends by the same signal.
 * `setsid` gives the run a session inside: else `kill 0` in a run would end nsenter outside. The spawner,
 * where it starts the run, does what nsenter and those behind it do, without executing them: about 1 ms
 * for each of them, and 3 for Perl.
 */
export function pidNamespaceLayer(tools: NamespaceTools): ReapingLayer {
  const keeping = {
    isGood: (namespace: Namespace) => !namespace.isGone(),
    discard: (namespace: Namespace) => namespace.kill(),
  };
  const spares = keepSpare<Namespace>({ make: () => openNamespace(tools.bwrap), ...keeping });
  const confined = keepSparePools<Namespace>(keeping);
  const take = ({ confinement }: ProcessSpec): Namespace | Promise<Namespace> => {
    if (confinement === undefined) return spares.take();
    const filter = confinement.filtersCalls ? [tools.perl ?? tools.bwrap] : [];
    const readable = [...confinement.readable, ...filter];
    const open = (): Promise<Namespace> =>
      openNamespace(tools.bwrap, confinementArguments({ ...confinement, readable }));
    return confined.take(confinementKey(confinement), open);
  };
  return {
    reaping: 'pid_namespace',
    whyNotConfined: tools.setpriv === undefined ? 'no setpriv found: install util-linux' : undefined,
    launch(spec) {
      checkProgram(spec.argv[0], spec.cwd);
      const namespace = take(spec);
      if (namespace instanceof Promise) return namespace.then((opened) => enterRelayed(tools, opened, spec));
      return enterRelayed(tools, namespace, spec);
    },
    async close() {
      await Promise.all([spares.close(), confined.close()]);
    },
  };
}

function enterRelayed(
  tools: NamespaceTools,
  namespace: Namespace,
  spec: ProcessSpec,
): Launched | Promise<Launched> {
  const { relay, confinement } = spec;
  if (relay === undefined) return enter(tools, namespace, spec);
  namespace.hold();
  if (tools.setpriv === undefined || confinement === undefined || confinement.network) {
    void namespace.kill();
    throw Object.assign(new Error('a relay needs a network of its own'), { code: 'EPERM' });
  }
  const isRoot = geteuid?.() === 0;
  return withRelay(
    // prettier-ignore
    [tools.nsenter, '--target', String(namespace.initPid), ...userOf(isRoot), '--net', '--',
      tools.setpriv, '--no-new-privs', ...droppedBy(isRoot), '--'],
    relay,
    namespace,
  ).then((relayed) => enter(tools, relayed, spec));
}

/** Only root's bwrap makes no user namespace. */
function userOf(isRoot: boolean): string[] {
  return isRoot ? [] : ['--user', '--preserve-credentials'];
}

/** Others than root lose theirs by executing anything. */
function droppedBy(isRoot: boolean): string[] {
  return isRoot ? ['--bounding-set=-all', '--inh-caps=-all'] : [];
}

/** Starts the command of a run behind what holds it: with files passed on, or by a filter and more in its environment. */
type Start = (
  held: readonly string[],
  how?: { passed?: readonly number[]; filter?: Buffer; env?: Readonly<Record<string, string>> },
) => Child | Promise<Child>;

function enter(tools: NamespaceTools, namespace: Namespace, spec: ProcessSpec): Launched | Promise<Launched> {
  namespace.hold();
  const isRoot = geteuid?.() === 0;
  const { confinement } = spec;
  try {
    const own = confinement === undefined ? [] : ['ipc', 'uts', ...(confinement.network ? [] : ['net'])];
    const start: Start = (held, { passed, filter, env } = {}) => {
      const isDone = confinement === undefined || filter !== undefined;
      const entered = [...(isRoot ? [] : ['user']), ...own, 'pid', 'mnt'];
      return tools.spawnRun(
        // prettier-ignore
        [tools.nsenter, '--target', String(namespace.initPid), ...userOf(isRoot), '--pid', '--mount',
          ...own.map((name) => `--${name}`), `--wdns=${spec.cwd}`, '--', ...held, ...spec.argv],
        env === undefined ? spec : { ...spec, env: { ...spec.env, ...env } },
        '/',
        { passed, entry: isDone ? entryOf(namespace.initPid, entered, filter) : undefined },
      );
    };
    const child =
      confinement === undefined ? start([tools.setsid]) : startHeld(tools, spec, confinement, isRoot, start);
    const follow = (one: Child): Launched => ({ child: one, tree: new NamespaceTree(namespace, one) });
    if (!(child instanceof Promise)) return follow(child);
    return child.then(follow, (error: unknown) => {
      void namespace.kill();
      throw error;
    });
  } catch (error) {
    void namespace.kill();
    throw error;
  }
}

/**
 * Starts a confined run without the capabilities nsenter has, and with a filter of its calls: by Perl, which the
 * run replaces. Without Perl by `setpriv` and without a filter; or, where one is asked for, by a bwrap that
 * installs it and stays the run's parent.
 */
function startHeld(
  { bwrap, setsid, setpriv, perl }: NamespaceTools,
  { relay }: ProcessSpec,
  confinement: Confinement,
  isRoot: boolean,
  start: Start,
): Child | Promise<Child> {
  const { filtersCalls, network } = confinement;
  // Loopback sockets are its own where it has no network: only other kinds are refused.
  const program = callFilter(arch, {
    network: !filtersCalls || network || relay !== undefined,
    refuses: filtersCalls ? 'much' : 'little',
    localSockets: true,
    refusesUnseen: false,
  });
  if (perl !== undefined && program !== undefined) {
    return start(filterLauncher(perl, program), { filter: program, env: launcherEnvironment });
  }
  if (setpriv === undefined) throw Object.assign(new Error('no setpriv'), { code: 'EPERM' });
  if (!filtersCalls) return start([setsid, setpriv, '--no-new-privs', ...droppedBy(isRoot), '--']);
  if (program === undefined) throw Object.assign(new Error('no filter'), { code: 'ENOSYS' });
  const held = [setsid, bwrap, '--dev-bind', '/', '/', '--cap-drop', 'ALL', '--seccomp', '3', '--'];
  return withFilter(program, (fd) => start(held, { passed: [fd] }));
}

class NamespaceTree implements ProcessTree {
  readonly #namespace: Namespace;
  /** nsenter, outside the namespace: the parent of the run's main process, and not of the tree. */
  readonly #parent: Child;
  readonly #roots: ReadonlySet<number>;

  constructor(namespace: Namespace, parent: Child) {
    this.#namespace = namespace;
    this.#parent = parent;
    this.#roots = new Set([namespace.initPid, parent.pid ?? namespace.initPid]);
  }

  askToEnd(): void {
    const members = this.#members();
    for (const row of members) send(row.pid, 'SIGTERM');
    this.#wake(members);
  }

  stop(): void {
    this.#stopParent();
    stopAll(() => this.#members());
  }

  continue(): void {
    this.#wake(this.#members());
  }

  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#parent;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      // The namespace stands until its dead are collected: by nsenter, which may be stopped, or else by
      // process 1 of the machine, which may take seconds. Not inside yet, nsenter has none to collect.
      // Stopped first, so that it does not enter between the look and the kill.
      this.#stopParent();
      const below = descendantsOf(new Set([pid]));
      for (const row of below) send(row.pid, 'SIGKILL');
      this.#parent.kill(below.length === 0 ? 'SIGKILL' : 'SIGCONT');
    }
    await this.#namespace.kill();
  }

  get collectors(): readonly number[] {
    return [...this.#roots];
  }

  pids(): number[] {
    return [...this.#roots, ...this.#members().map(({ pid }) => pid)];
  }

  #members(): ProcessRow[] {
    return this.#namespace.isGone() ? [] : descendantsOf(this.#roots);
  }

  /**
   * nsenter answers a stopped child by stopping itself, too late perhaps for a CONT that follows at
   * once. Stopped first, and woken last, it never sees its child stopped.
   */
  #stopParent(): void {
    const { pid } = this.#parent;
    if (pid === undefined || !this.#parent.kill('SIGSTOP')) return;
    for (let poll = 0; poll < stopPolls; poll += 1) {
      const state = readProcess(pid)?.state;
      if (state === undefined || state === 'T' || state === 'Z') return;
    }
  }

  #wake(members: readonly ProcessRow[]): void {
    for (const row of members) send(row.pid, 'SIGCONT');
    this.#parent.kill('SIGCONT');
  }
}
