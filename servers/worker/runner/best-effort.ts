import { stillRuns, type ProcessIdentity } from '../../../platform/process-identity.ts';
import { endProcesses } from './end-processes.ts';
import type { Launched, ReapingLayer } from './layer.ts';
import type { ProcessTree } from './process-tree.ts';
import type { Ledger } from './ledger.ts';
import {
  descendantsOf,
  readAllProcesses,
  readProcess,
  send,
  stopAll,
  waitUntil,
  type ProcessRow,
} from './process-table.ts';
import { refuseConfinement } from './confinement.ts';
import type { Child } from './child.ts';
import { SpawnedChild } from './spawned-child.ts';
import type { SpawnRun } from './spawn-child.ts';

/** How often runs that last are looked at for descendants that leave the process group. */
const lookMs = 1_000;
const deathMs = 2_000;

/**
 * A process group for every run, and a note of each descendant seen while the run lasted. What leaves
 * the group between two looks and loses its parent is missed, and what is running when this process is
 * killed is only ended by the next boot (sweep.ts): hence the name.
 */
export function bestEffortLayer(ledger: Ledger, spawnRun: SpawnRun): ReapingLayer {
  const trees = new Set<GroupTree>();
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    const rows = readAllProcesses();
    for (const tree of trees) tree.look(rows);
  };
  const forget = (tree: GroupTree): void => {
    trees.delete(tree);
    if (trees.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  const follow = (child: Child): Launched => {
    const leader = identityOf(child);
    const tree = new GroupTree(leader, ledger, forget);
    if (leader !== undefined) {
      ledger.started(leader);
      trees.add(tree);
      timer ??= setInterval(look, lookMs).unref();
    }
    return { child, tree };
  };

  return {
    reaping: 'best_effort',
    whyNotConfined: 'a process group hides nothing from a run',
    launch(spec) {
      refuseConfinement(spec);
      const child = spawnRun(spec.argv, spec, spec.cwd);
      return child instanceof Promise ? child.then(follow) : follow(child);
    },
    close() {
      clearInterval(timer);
      ledger.close();
      return Promise.resolve();
    },
  };
}

/** Also of a child that is a zombie already: its group may have others in it. */
function identityOf(child: Child): ProcessIdentity | undefined {
  const { pid } = child;
  if (pid === undefined) return undefined;
  return { pid, start: child instanceof SpawnedChild ? child.start : (readProcess(pid)?.start ?? '') };
}

class GroupTree implements ProcessTree {
  readonly collectors = [];
  readonly #leader: ProcessIdentity | undefined;
  readonly #ledger: Ledger;
  readonly #forget: (tree: GroupTree) => void;
  /** Descendants seen, by pid; the leader is not among them. */
  readonly #seen = new Map<number, ProcessIdentity>();
  #death: Promise<void> | undefined;

  constructor(leader: ProcessIdentity | undefined, ledger: Ledger, forget: (tree: GroupTree) => void) {
    this.#leader = leader;
    this.#ledger = ledger;
    this.#forget = forget;
  }

  /** Finds the descendants of the leader, and of those seen before that lost their parents since. */
  look(rows: readonly ProcessRow[]): ProcessRow[] {
    if (this.#leader === undefined) return [];
    const roots = new Set([this.#leader, ...this.#seen.values()].filter(stillRuns).map(({ pid }) => pid));
    const group = this.#leader.pid;
    const members = new Map(
      rows.filter((row) => roots.has(row.pid) || row.group === group).map((row) => [row.pid, row]),
    );
    for (const row of descendantsOf(new Set(members.keys()), rows)) members.set(row.pid, row);
    for (const { pid, start } of members.values()) {
      if (pid === group || this.#seen.get(pid)?.start === start) continue;
      this.#seen.set(pid, { pid, start });
      this.#ledger.started({ pid, start });
    }
    return [...members.values()];
  }

  askToEnd(): void {
    const members = this.look(readAllProcesses());
    for (const row of members) send(row.pid, 'SIGTERM');
    for (const row of members) send(row.pid, 'SIGCONT');
  }

  stop(): void {
    stopAll(() => this.look(readAllProcesses()));
  }

  continue(): void {
    for (const row of this.look(readAllProcesses())) send(row.pid, 'SIGCONT');
  }

  pids(): number[] {
    return this.look(readAllProcesses()).map(({ pid }) => pid);
  }

  kill(): Promise<void> {
    this.#death ??= this.#kill();
    return this.#death;
  }

  async #kill(): Promise<void> {
    const leader = this.#leader;
    if (leader === undefined) return;
    // Nobody in the group is the usual case, and then one system call was all.
    if (send(-leader.pid, 'SIGKILL')) await waitUntil(() => !isGroupAlive(leader.pid), deathMs);
    if (this.#seen.size > 0) await endProcesses([...this.#seen.values()].filter(stillRuns));
    this.#forget(this);
    this.#ledger.ended(leader);
    for (const seen of this.#seen.values()) this.#ledger.ended(seen);
  }
}

/** Zombies count for kill(2), but not for us: some parents never collect them. */
function isGroupAlive(group: number): boolean {
  if (!send(-group, 'SIGKILL')) return false;
  return readAllProcesses().some((row) => row.group === group && row.state !== 'Z' && row.state !== 'X');
}
