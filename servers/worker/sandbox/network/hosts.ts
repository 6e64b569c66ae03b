import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FleetError } from '../../../../core/errors.ts';
import { sandboxFix, type AskedSandbox } from '../../../../core/sandbox.ts';
import type { Config } from '../../../../schemas/config.ts';
import type { HostsState, SandboxProfile } from '../../../../schemas/sandbox.ts';
import type { EngineReport } from '../../engines/engine.ts';
import { findPrograms } from '../../runner/find-programs.ts';
import type { ReapingLayer } from '../../runner/layer.ts';
import type { Relay, StartProcess } from '../../runner/process.ts';
import type { Proven } from '../try-ways.ts';
import type { proxyVariables } from './environment.ts';
import type { openPass } from './gate.ts';

/** Lists of hosts as a grant of the network. */
export interface Hosts {
  /** Tries once whether a list holds here. */
  prove(): Promise<HostsState>;
  /** What came of it, where it was tried. */
  known(): readonly HostsState[];
  /** SANDBOX_UNAVAILABLE where a list cannot be held to: no run gets more than it, and none goes without. */
  check(profile: SandboxProfile): Promise<void>;
  /** Starts processes that reach the listed hosts; throws what check() would, which has to come first. */
  around(
    startProcess: StartProcess,
    asked: AskedSandbox,
    granted: Pick<Config['sandbox'], 'allow_private'>,
    report: (report: EngineReport) => void,
  ): StartProcess;
}

const profileOff = 'the sandbox profile is "off"';
const script = fileURLToPath(new URL('relay.pl', import.meta.url));

interface Loaded {
  state: HostsState;
  openPass: typeof openPass;
  proxyVariables: typeof proxyVariables;
  relayArgv: Relay['argv'];
}

export function createHosts(options: {
  layer: ReapingLayer;
  /** Of the worker: sockets are made in a folder in it. */
  dir: string;
  path: string;
  /** What holds commands here. */
  proven: () => Promise<Proven | undefined>;
}): Hosts {
  const { layer, path, proven } = options;
  const dir = join(options.dir, 'network');
  // What an earlier process left.
  rmSync(dir, { recursive: true, force: true });
  let loading: Promise<Loaded> | undefined;
  let loaded: Loaded | undefined;

  const load = async (): Promise<Loaded> => {
    loading ??= loadAndTry({ layer, path, dir, proven });
    return (loaded = await loading);
  };
  return {
    prove: async () => (await load()).state,
    known: () => (loaded === undefined ? [] : [loaded.state]),
    async check(profile) {
      if (profile === 'off') throw noHosts(profileOff);
      held(await load());
    },
    around(startProcess, { profile, network: grant }, { allow_private: allowPrivate }, report) {
      if (typeof grant === 'boolean') return startProcess;
      if (profile === 'off') throw noHosts(profileOff);
      const { openPass: open, proxyVariables: variablesFor, relayArgv } = held(loaded);
      return (spec, io) => {
        const pass = open({ dir, relayArgv }, { grant, allowPrivate });
        const variables = variablesFor(grant);
        const running = startProcess({ ...spec, env: { ...spec.env, ...variables }, relay: pass.relay }, io);
        void running.ended.then(() => {
          const text = pass.close();
          if (text !== undefined) report({ kind: 'note', text });
        });
        return running;
      };
    },
  };
}

async function loadAndTry(options: Parameters<typeof createHosts>[0]): Promise<Loaded> {
  const { layer, path, dir } = options;
  const [perl = ''] = findPrograms('perl', path);
  const [gate, environment, { whyNoHosts }] = await Promise.all([
    import('./gate.ts'),
    import('./environment.ts'),
    import('./prove-hosts.ts'),
  ]);
  const relayArgv: Relay['argv'] = [perl, script, String(environment.relayPort)];
  const way = (await options.proven())?.way;
  const why =
    way?.by !== 'namespaces'
      ? 'no network namespace can be opened'
      : perl === ''
        ? 'no perl found'
        : await whyNoHosts({ layer, perl, relayArgv, dir });
  const state: HostsState =
    why === undefined ? { layer: 'hosts', state: 'enforced' } : { layer: 'hosts', state: 'missing', why };
  return { state, openPass: gate.openPass, proxyVariables: environment.proxyVariables, relayArgv };
}

function held(loaded: Loaded | undefined): Loaded {
  if (loaded?.state.state === 'enforced') return loaded;
  throw noHosts(loaded?.state.why ?? 'it was never tried');
}

function noHosts(why: string): FleetError {
  return new FleetError('SANDBOX_UNAVAILABLE', `A list of network hosts is not enforceable here: ${why}.`, {
    next: /"off"/.test(why)
      ? 'Set "sandbox.profile" to "default", or "network" to true where all of it may be reached.'
      : /perl/.test(why)
        ? 'Install Perl, or set "network" to false, or to true where all of it may be reached.'
        : sandboxFix(why),
  });
}
