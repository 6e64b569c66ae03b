import { homedir } from 'node:os';
import { needOf } from '../core/placement.ts';
import { lengthOf } from '../core/lengths.ts';
import { createRunQueue } from '../core/queue.ts';
import { tellingAttempt } from '../core/telling-attempt.ts';
import { openBlobs } from '../platform/blobs/blobs.ts';
import { readDepth, type Environment } from '../platform/environment.ts';
import type { Logger } from '../platform/log.ts';
import { silent, type Telemetry } from '../platform/telemetry.ts';
import type { Read } from '../core/remote-bytes.ts';
import type { Config } from '../schemas/config.ts';
import { createAdmission } from './admission.ts';
import { createAskClients } from './ask-clients.ts';
import { createBudgets } from './budgets.ts';
import { cancelRuns, type Cancelling } from './cancel-runs.ts';
import { createBreakers } from './breakers.ts';
import { createChanges, type EndListener } from './changes.ts';
import type { Clock } from './clock.ts';
import { createDependencies } from './dependencies.ts';
import { createDispatch } from './dispatch.ts';
import { createFleet, type Fleet } from './fleet/fleet.ts';
import type { FleetWorker } from './fleet/fleet-worker.ts';
import type { LocalWorkers } from './fleet/local-workers.ts';
import { remoteTarget } from './fleet/remote-target.ts';
import { createOpenAttempts, restoredAttempts, taskOf, threadToContinue } from './fleet/open-attempts.ts';
import { followRuns } from './follow-runs.ts';
import { createGroups } from './groups.ts';
import type { HandlerDeps } from './handlers/deps.ts';
import { createHedges, type Hedges } from './hedges.ts';
import { resumeRun } from './handlers/resume-run.ts';
import { createLeases, type Leases } from './leases.ts';
import { createManifests, type Manifests } from './manifest/manifests.ts';
import { measureRuns } from './measure.ts';
import { createTold } from './told.ts';
import type { TokenMeter } from './tokens/meter.ts';
import { createNews } from './news.ts';
import { createParking } from './parking.ts';
import { createPlaces } from './places.ts';
import { createCollect } from './privacy/collect.ts';
import { createPrivacy } from './privacy/privacy.ts';
import { openVault } from './privacy/vault.ts';
import { policies } from './policies/index.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import { createRunEstimates, type RunEstimates } from './run-estimates.ts';
import { createRateGates, type RateGates } from './rate-gates.ts';
import { holderOf, readWorker } from './reading/holder.ts';
import { openReplicaFolder } from './replicas/folder.ts';
import { createCopyReader } from './replicas/reader.ts';
import { createReplicas, type Replicas } from './replicas/replicas.ts';
import { askFleet } from './retention/ask-fleet.ts';
import { createRetention } from './retention/retention.ts';
import { createTaskQuota } from './retention/task-quota.ts';
import { createRetries, pastOf, type Retries } from './retries.ts';
import { createScheduler, type Scheduler, type WaitingRun } from './scheduler.ts';
import type { RunRecord, RunStore, StoredHandle } from './store/run-store.ts';
import type { VaultStore } from './store/vault-store.ts';
import { createWake } from './store/wake.ts';
import { createWorkTrees, type WorkTrees } from './work-trees.ts';

export interface Parts extends Omit<HandlerDeps, 'isStopping'> {
  leases: Leases;
  manifests: Manifests;
  trees: WorkTrees;
  readiness: Readiness;
  estimates: RunEstimates;
  gates: RateGates;
  retries: Retries;
  hedges: Hedges;
  /** Where metrics are sent. */
  meter: TokenMeter | undefined;
}

export interface PartsOptions {
  store: RunStore;
  vaultStore: VaultStore;
  masterKeyFile: string;
  local: LocalWorkers;
  clock: Clock;
  /** Where the fleet keeps its own records. */
  stateDir: string;
  /** How far manifests were exported. */
  exportMark: string;
  /** Workers elsewhere that may get runs. */
  enrolmentFile: string;
  /** Project files the user trusts. */
  trustFile: string;
  /** Copies of what workers elsewhere keep. */
  replicaDir: string;
  /** Stored outputs by their hash. */
  blobDir: string;
  config: Config;
  env: Environment;
  telemetry: Telemetry;
  log: Logger;
  /** In [0, 1). */
  random: () => number;
  /** Called when a run has ended, once that is known everywhere. */
  onEnd: EndListener;
}

/** Everything behind the tools, connected; nothing has begun. */
export async function assemble(options: PartsOptions): Promise<Parts> {
  const { store, clock, stateDir, exportMark, trustFile, config, env, telemetry, log, onEnd } = options;
  const { random, replicaDir, blobDir } = options;
  const attempts = createOpenAttempts();
  const queue = createRunQueue<WaitingRun>({
    weight: (lane) => config.scheduling.weights[taskOf(lane)] ?? 1,
    running: attempts.slotsOfLane,
  });
  const news = createNews(createWake());
  const isBusy = (): boolean => attempts.size > 0;
  const manifests = await createManifests({
    store,
    log,
    markFile: exportMark,
    runsDir: config.runs_dir,
    keepMs: config.output.keep_ms,
    mode: config.privacy.mode,
    isBusy,
  });
  const treeFreed = ({ run_id: runId }: RunRecord): void => {
    if (trees.release(runId)) scheduler.poke();
  };
  const renewed = { ended: (): void => fleet.renew() };
  const estimates = createRunEstimates(() => fleet);
  let meter: TokenMeter | undefined;
  const changes = createChanges(news, [
    manifests,
    { ended: (run) => meter?.ended(run) },
    measureRuns(telemetry),
    onEnd,
    { ended: treeFreed },
    { changed: (run) => readiness.changed(run), ended: (run) => readiness.ended(run) },
    renewed,
    estimates,
    { changed: (run) => hedges.changed(run), ended: (run) => hedges.ended(run) },
    { ended: (run) => replicas.ended(run) },
    { changed: (run) => taskQuota.changed(run), ended: (run) => taskQuota.ended(run) },
  ]);
  const fleet: Fleet = createFleet({ ...options, attempts });
  const shared = { store, attempts, fleet, changes, clock, telemetry, log };
  const slots = (): number => fleet.candidates().reduce((sum, worker) => sum + worker.slots, 0);
  const gates = createRateGates(attempts, random);
  const breakers = createBreakers(clock, (afterMs) => setTimeout(() => scheduler.poke(), afterMs).unref());
  const retries = createRetries({ gates, clock, slots, random });
  const admission = createAdmission({ gates, breakers, fleet });
  const parking = createParking(clock, () => scheduler.poke());
  const recovery = { gates, breakers, retries, admission, parking };
  const enqueue = (run: RunRecord, order: number | undefined): void => scheduler.enqueue(run, order);
  const keepMs = config.privacy.keep_ms;
  const vault = openVault({ store: options.vaultStore, masterKeyFile: options.masterKeyFile, keepMs, clock });
  const privacy = createPrivacy({ vault, privacy: config.privacy, log });
  const collect = createCollect(vault, log);
  const home = env['HOME'] ?? homedir();
  const places = createPlaces(config, trustFile, home);
  const dispatch = createDispatch({ ...shared, ...recovery, privacy, places, enqueue });
  const policy = policies[config.scheduling.policy];
  const trees = createWorkTrees(places);
  const readiness = createReadinessOf({ ...shared, dispatch, scheduler: () => scheduler });
  const scheduler: Scheduler = createScheduler({
    ...shared,
    ...recovery,
    queue,
    trees,
    readiness,
    dispatch,
    policy,
    estimates,
    places,
  });
  const hedges = createHedges({
    ...shared,
    ...recovery,
    share: config.scheduling.hedge_budget,
    queue,
    dispatch,
    policy,
    estimates,
    places,
  });
  const leases = createLeases({ ...shared, ...recovery, queue, dispatch, enqueue });
  const resume = resumeRun({ ...shared, privacy, scheduler }, 'elicitation');
  const asks = createAskClients({
    news,
    enabled: config.questions.elicit,
    answer: async ({ run_id, owner }, answer) => {
      await resume({ run_id, answer }, { owner });
    },
    log,
  });
  const copies = createCopyReader({ stateDir, env });
  const replicas: Replicas = createReplicas({
    folder: openReplicaFolder(replicaDir, blobDir),
    store,
    config,
    readerOf: (workerId) => {
      const link = fleet.get(workerId)?.link;
      return link && readWorker(link, workerId, telemetry);
    },
    fetch: async (note, signal) => {
      const { worker_id } = note;
      const onMoved = (bytes: number): void => {
        telemetry.record('codex.bytes_transferred', bytes, { worker_id });
      };
      return copies.copy(note, await remoteTarget(worker_id, config, env), { signal, onMoved });
    },
    log,
  });
  const told = createTold(store);
  if (telemetry.isSent) {
    const { createTokenMeter } = await import('./tokens/meter.ts');
    const deps = { fleet, replicas, copies, config, telemetry: silent };
    const readerOf = async (handle: StoredHandle): Promise<Read> => (await holderOf(deps, { handle })).read;
    meter = createTokenMeter({ told, store, telemetry, copies, readerOf, log });
  }
  const taskQuota = createTaskQuota({ ...shared, quotaBytes: config.output.task_quota_bytes });
  const retention = createRetention({
    ...shared,
    manifests,
    replicas,
    blobs: openBlobs(blobDir),
    stateDir,
    ask: askFleet(fleet),
    output: config.output,
  });
  const depth = readDepth(env);
  return {
    ...shared,
    ...recovery,
    scheduler,
    dispatch,
    news,
    asks,
    privacy,
    collect,
    vault,
    config,
    places,
    home,
    stateDir,
    depth,
    leases,
    retention,
    manifests,
    trees,
    readiness,
    estimates,
    hedges,
    replicas,
    copies,
    told,
    meter,
  };
}

/** What runs wait for before they are queued, with the ways back to the scheduler that comes after it. */
function createReadinessOf(
  parts: Omit<Cancelling, 'scheduler'> & {
    fleet: Pick<Fleet, 'candidates'>;
    log: Logger;
    scheduler: () => Pick<Scheduler, 'admit' | 'withdraw'>;
  },
): Readiness {
  const { fleet, scheduler } = parts;
  const cancel = (runIds: readonly string[], reason: string): Promise<unknown> =>
    cancelRuns({ ...parts, scheduler: scheduler() }, runIds, reason);
  const budgets = createBudgets({
    ...parts,
    slots: () => fleet.candidates().reduce((sum, worker) => sum + worker.slots, 0),
    ready: ({ run, order }) => scheduler().admit(run, order),
  });
  const dependencies = createDependencies({
    ...parts,
    ready: (held) => {
      if (budgets.isFree(held.run)) scheduler().admit(held.run, held.order);
      else budgets.hold(held);
    },
    cancel,
  });
  const groups = createGroups({ ...parts, withdraw: (runId) => scheduler().withdraw(runId), cancel });
  return createReadiness({ dependencies, groups, budgets });
}

/** Enough for what is typical, and read in some ms. */
const runsToLearnFrom = 500;

/** Takes up what the store holds, and then the workers: nobody's news come before their runs are known. */
export async function begin(parts: Parts): Promise<void> {
  const { store, attempts, scheduler, fleet, changes, asks, trees, readiness, estimates } = parts;
  const { places, admission, gates, replicas, log } = parts;
  const lately = await store.lately(runsToLearnFrom);
  estimates.learn(lately);
  const open = await store.open();
  changes.learn(open);
  await readiness.restore(open);
  asks.learn(open);
  for (const id of await store.drained()) {
    const worker = fleet.get(id);
    if (worker !== undefined) fleet.drain(worker, true);
  }
  const needed = new Set<string>();
  for (const [order, run] of open.entries()) {
    trees.restore(run);
    const recipes = places.recipesIn(run.spec.cwd);
    const need = needOf(run.spec, recipes, undefined);
    const gateOn = (workerId: string): string | undefined => admission.gateOf(need, workerId);
    const length = lengthOf(estimates.typical(run), estimates.mean());
    const past = pastOf(run, recipes);
    const restored = restoredAttempts(run, order - open.length, { past, length, gateOn });
    restoreGate(gates, run, gateOn);
    for (const attempt of restored) {
      attempts.add(attempt);
      needed.add(attempt.worker_id);
    }
    if (run.status === 'pending') scheduler.enqueue(run, order - open.length);
    const thread = restored.length > 0 ? undefined : threadToContinue(run);
    if (thread !== undefined) needed.add(thread.worker_id);
  }
  const follow = followRuns(parts);
  const changed = (): void => {
    follow.changed();
    replicas.poke();
  };
  const revoked = async ({ id }: FleetWorker): Promise<void> => {
    const runIds = [...attempts.ofWorker(id)].map((attempt) => attempt.run_id);
    await cancelRuns(parts, runIds, `Worker ${id} was revoked.`);
  };
  fleet.start({ ...follow, changed, revoked }, needed);
  replicas.restore(lately).catch((error: unknown) => {
    log.error({ err: error }, 'copies an earlier coordinator wanted could not be taken up');
  });
}

/** What a run waits for is still so after a restart. */
function restoreGate(
  gates: RateGates,
  { attempts, not_before }: RunRecord,
  gateOn: (workerId: string) => string | undefined,
): void {
  const last = tellingAttempt(attempts);
  const gate = last === undefined ? undefined : gateOn(last.placement.worker_id);
  if (last?.retry?.why === 'rate_limit' && not_before !== undefined && gate !== undefined) {
    gates.restore(gate, not_before);
  }
}
