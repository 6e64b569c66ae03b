import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { strictestLimits } from '../../core/limits.ts';
import { isProvided } from '../../core/provision.ts';
import { openBlobs } from '../../platform/blobs/blobs.ts';
import { runEnvironment, type Environment } from '../../platform/environment.ts';
import { newBootId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/log.ts';
import { makePrivateDir } from '../../platform/paths.ts';
import { privateMemory } from '../../platform/private-memory.ts';
import { version } from '../../platform/version.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { Config } from '../../schemas/config.ts';
import { createCredentials, type Credentials } from './credentials.ts';
import { findCodex } from './engines/codex/find-codex.ts';
import type { Engines } from './engines/index.ts';
import type { HandlerDeps } from './handlers/index.ts';
import { createLimits } from './limits/limits.ts';
import { lockWorker } from './lock.ts';
import { watchCold } from './output/cold-contents.ts';
import { openFileHandleStore } from './output/file-handle-store.ts';
import { createPlaces } from './places.ts';
import { lazySigner } from './trust/lazy-signer.ts';
import type { Signer } from './trust/signer.ts';
import { createWorkerPrivacy, type WorkerPrivacy } from './privacy/worker-privacy.ts';
import { probeEngines } from './probe-engines.ts';
import { kernelBootId } from './runner/ledger.ts';
import { probeReaping } from './runner/reaping.ts';
import { createStartProcess } from './runner/start-process.ts';
import { sweepLeftovers } from './runner/sweep.ts';
import { openRecordFiles } from './runs/record-files.ts';
import { Runs } from './runs/runs.ts';
import { createSlots } from './runs/slots.ts';
import { createSandbox } from './sandbox/sandbox.ts';

export interface OpenOptions {
  id: string;
  slots: number;
  /** The worker's own folder. */
  dir: string;
  /** Outputs by their hash, shared by the workers of one fleet. */
  blobDir: string;
  /** Project files the user trusts. */
  trustFile: string;
  /** The fleet's own folders and files: no confined run sees them. */
  ours: readonly string[];
  /** Held while one process of this host renews the Codex sign-in. */
  signInLock: string;
  config: Config;
  env: Environment;
  log: Logger;
  engines: Engines;
  /** What it is reached over; default http. */
  transport?: 'http' | 'https';
  /** Whether it takes credentials of its own configuration: nobody starts it who would hand it any. */
  isOnItsOwn?: boolean;
  /** See createWorkerPrivacy. */
  keysMs?: number | undefined;
}

export interface OpenWorker extends HandlerDeps {
  credentials: Credentials;
  privacy: WorkerPrivacy;
  signer: Signer;
  /** Once its runs are closed: gives up all that another process of this worker needs. */
  release: () => Promise<void>;
}

/**
 * A worker that is ready for calls: its folder is its own, what an earlier process left running has
 * ended, and that one's runs stand as they can go on. CONFLICT where the worker runs already,
 * SANDBOX_UNAVAILABLE where the configured reaping does not work.
 */
export async function openWorker(options: OpenOptions): Promise<OpenWorker> {
  const { id, dir, log } = options;
  makePrivateDir(dir);
  const unlock = await lockWorker(dir, id);
  try {
    return await openLocked(options, unlock);
  } catch (error) {
    await unlock();
    log.error({ err: error }, 'the worker cannot start');
    throw error;
  }
}

/** Those for this worker. INVALID_INPUT where one cannot be had. */
async function ownCredentials({ id, config, env }: OpenOptions): Promise<Record<string, string>> {
  const own = Object.entries(config.credentials).filter(([name]) => isProvided(config.credentials, name, id));
  if (own.length === 0) return {};
  const { resolveCredentials } = await import('../../platform/credentials.ts');
  return resolveCredentials(Object.fromEntries(own), env);
}

async function openLocked(options: OpenOptions, unlock: () => Promise<void>): Promise<OpenWorker> {
  const { id, dir, config, log, engines } = options;
  const swept = await sweepLeftovers(dir);
  if (swept.processes + swept.cgroups + swept.namespaces > 0)
    log.warn(swept, 'ended what an earlier process left running');
  const env = runEnvironment(options.env, config);
  const path = env['PATH'] ?? '';
  // What an engine keeps of a conversation holds it as it was said.
  const homes = config.privacy.mode === 'off' ? undefined : privateMemory(options.env, dir);
  const files = openRecordFiles(dir, homes);
  const [{ layer, reaping }, handles] = await Promise.all([
    findCodex(config, path)
      .catch(() => undefined)
      .then((codex) => probeReaping({ config, path, stateDir: dir, codexBinary: codex?.binary })),
    openFileHandleStore(join(dir, 'handles'), openBlobs(options.blobDir)),
  ]);
  const records = files.readAll();
  const credentials = createCredentials();
  if (options.isOnItsOwn === true) credentials.take({ values: await ownCredentials(options) });
  const privacy = createWorkerPrivacy({
    dir,
    privacy: config.privacy,
    hasMemory: homes !== undefined,
    ...(options.keysMs !== undefined && { keysMs: options.keysMs }),
    log,
  });
  const places = createPlaces({ config, env: options.env, trustFile: options.trustFile });
  const sandbox = createSandbox({ layer, dir, ours: options.ours, path, home: env['HOME'] ?? homedir() });
  if (config.sandbox.profile !== undefined && config.sandbox.profile !== 'off') await sandbox.prove();
  if (listsHosts(config)) await sandbox.proveHosts();
  const limits = createLimits({ layer, dir });
  if (Object.keys(strictestLimits(config.limits)).length > 0) await limits.prove();
  const deps = {
    engines,
    sandbox,
    limits,
    places,
    handles,
    files,
    startProcess: createStartProcess(layer),
    signInLock: options.signInLock,
    ours: [...options.ours, ...(homes === undefined ? [] : [dirname(homes)])],
    credential: credentials.get,
    privacy,
    env,
    now: Date.now,
    log,
  };
  const runs = new Runs(deps, createSlots(options.slots));
  if (records.some(({ detail }) => !isTerminal(detail.status))) await privacy.ready();
  runs.restore(records);
  files.removeOtherHomes(new Set(runs.live()));
  const cold = watchCold({
    handles,
    afterMs: config.output.compress_after_ms,
    isWorking: () => runs.isWorking,
    onError: (err) => log.warn({ err }, 'outputs could not be compressed'),
  });
  const identity = {
    worker_id: id,
    boot_id: newBootId(kernelBootId()),
    version,
    reaping,
    pipelines: Object.keys(config.pipelines),
  };
  const probed = probeEngines(engines, { config, env, stateDir: dir, startProcess: deps.startProcess });
  const { slots, transport = 'http' } = options;
  const enforced = async (): Promise<string[]> => [
    ...namesOf(config.sandbox.profile === undefined ? await sandbox.prove() : (sandbox.known() ?? [])),
    ...namesOf(limits.known() ?? []).map((name) => `limit ${name}`),
  ];
  const signed = { dir, identity, engines: probed, enforced };
  return {
    runs,
    handles,
    places,
    credentials,
    privacy,
    sandbox: sandbox.known,
    limits: limits.known,
    identity,
    engines: probed,
    signer: lazySigner({ ...signed, slots, transport, config, path, now: Date.now }),
    release: async () => {
      cold.close();
      await limits.close();
      await layer.close();
      await unlock();
    },
  };
}

function namesOf(states: readonly { layer: string; state: string }[]): string[] {
  return states.filter(({ state }) => state === 'enforced').map(({ layer }) => layer);
}

function listsHosts({ sandbox, pipelines }: Config): boolean {
  const grants = [sandbox.network, ...Object.values(pipelines).map(({ network }) => network)];
  return grants.some((grant) => typeof grant === 'object');
}
