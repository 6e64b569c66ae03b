import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunLimits } from '../../../schemas/limits.ts';
import { endCgroup } from '../runner/cgroup.ts';
import { openLedger, type Ledger } from '../runner/ledger.ts';
import type { ControllerName, Controllers } from './controllers.ts';
import { controllersFor, makeRunGroup, type RunGroup } from './run-group.ts';

/** The cgroups of a worker's runs. */
export interface RunGroups {
  /** Throws where the kernel refuses. `extra` is how many processes of ours will be among the run's. */
  make(limits: RunLimits, extra: number): RunGroup;
  close(): Promise<void>;
}

/** Nothing is made before the first run needs it; what a process that dies leaves is noted for the next boot. */
export function createRunGroups(controllers: Controllers, stateDir: string): RunGroups {
  const bases = new Map<ControllerName, { version: 1 | 2; path: string }>();
  const made = new Set<string>();
  const refused = new Set<ControllerName>();
  const name = `codex-fleet-${String(process.pid)}-${randomBytes(4).toString('hex')}`;
  let ledger: Ledger | undefined;
  let count = 0;

  const prepare = (controller: ControllerName): void => {
    const found = controllers.get(controller);
    if (found === undefined || bases.has(controller)) return;
    const path = join(found.parent, name);
    if (!made.has(path)) {
      ledger ??= openLedger(stateDir);
      ledger.cgroup(path);
      mkdirSync(path);
      made.add(path);
    }
    if (found.version === 2 && controller !== 'cpuacct') handOn(path, controller);
    bases.set(controller, { version: found.version, path });
  };
  /** Where it is refused once, nobody asks again. */
  const tryToPrepare = (controller: ControllerName): void => {
    if (refused.has(controller)) return;
    try {
      prepare(controller);
    } catch {
      refused.add(controller);
    }
  };
  return {
    make(limits, extra) {
      const { needed, wanted } = controllersFor(limits);
      for (const controller of needed) prepare(controller);
      if (wanted !== undefined) tryToPrepare(wanted);
      count += 1;
      return makeRunGroup(bases, String(count), limits, extra);
    },
    async close() {
      await Promise.all([...made].map(endCgroup));
      ledger?.close();
    },
  };
}

function handOn(folder: string, controller: ControllerName): void {
  writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`);
}
