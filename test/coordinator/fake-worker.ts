import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { nanoid } from 'nanoid';
import { FleetError } from '../../core/errors.ts';
import type { Bounds } from '../../core/limits.ts';
import type { Page, ReadInput } from '../../core/remote-bytes.ts';
import type { LocalWorkers } from '../../coordinator/fleet/local-workers.ts';
import type { WorkerLink } from '../../coordinator/fleet/worker-link.ts';
import { buildServer, type ServerFactory } from '../../mcp/build-server.ts';
import { shakeHands } from '../../mcp/client.ts';
import type { Handlers } from '../../mcp/handlers.ts';
import { createLogger } from '../../platform/log.ts';
import { version } from '../../platform/version.ts';
import { workerContracts, type WorkerContracts } from '../../schemas/tools.ts';
import { createOwnRequests, type RequestHandlers } from '../../mcp/own-requests.ts';
import { workerRequests } from '../../schemas/operator.ts';
import type { DescriptorAsk, Signed } from '../../schemas/descriptor.ts';
import type { RunDetail, WorkerDescriptor } from '../../schemas/worker.ts';

const log = createLogger({ name: 'fake worker', level: 'silent' });

/** What a worker does with the next start_run: take it, or answer with an error, or fall silent. */
type OnStart = (key: string) => FleetError | 'accept' | 'die';

interface FakeRun {
  seq: number;
  detail: RunDetail;
}

/**
 * A worker without processes: real MCP over an in-memory transport, runs that end when the test says
 * so, and a death that keeps or forgets them.
 */
export class FakeWorker {
  readonly runs = new Map<string, FakeRun>();
  readonly started: string[] = [];
  /** The bounds each was asked to be held to. */
  readonly bounds: Bounds[] = [];
  readonly resumed: string[] = [];
  readonly answers: { answer: string; by: string | undefined; asked_at: number | undefined }[] = [];
  readonly cancelled: string[] = [];
  onStart: OnStart = () => 'accept';
  /** What is behind its handles. */
  onRead: (input: ReadInput) => Page = () => {
    throw new FleetError('NOT_FOUND', 'There is no handle.');
  };
  /** Keys it was told to forget. */
  readonly forgotten: string[] = [];
  /** Runs it was told to end for want of room. */
  readonly limited: string[] = [];
  /** What runs may store, as told last. */
  readonly rooms = new Map<string, number>();
  /** Keys it does not forget. */
  readonly holds = new Set<string>();
  /** While false nobody can connect. */
  reachable = true;
  slots: number;
  hasCodex = false;
  /** Which program it says it is. */
  version = version;
  /** The engines it tells of, where they are not the usual ones. */
  engines: WorkerDescriptor['engines'] | undefined;
  /** How hard-pressed it says its host is. */
  host: WorkerDescriptor['host'];
  /** What it signs of itself. */
  sign: (asked: DescriptorAsk) => Signed = () => failUnknown('signature');
  /** The tools it lists. */
  contracts: WorkerContracts = workerContracts;
  restarts = 0;
  bootId = nanoid(8);
  private readonly id: string;
  private seq = 0;
  private readonly links = new Set<WorkerLink>();
  private readonly waiting = new Set<() => void>();

  constructor(id: string, slots: number) {
    this.id = id;
    this.slots = slots;
  }

  async connect(): Promise<WorkerLink> {
    if (!this.reachable) throw new FleetError('WORKER_UNAVAILABLE', 'Nobody answers.');
    const [client, server] = InMemoryTransport.createLinkedPair();
    await this.factory()().connect(server);
    const peer = await shakeHands(workerContracts, client);
    const descriptor = await peer.call('describe_worker', {});
    const link: WorkerLink = { ...peer, descriptor };
    this.links.add(link);
    void peer.closed.then(() => this.links.delete(link));
    return link;
  }

  factory(): ServerFactory {
    return buildServer({
      name: 'fake',
      version: '0',
      instructions: '',
      contracts: this.contracts,
      handlers: this.handlers(),
      log,
      owner: 'local',
      requests: createOwnRequests(workerRequests, this.requests(), log),
    });
  }

  /** By the key it was started with, as last told. */
  byKey(key: string): FakeRun | undefined {
    return [...this.runs.values()].find((run) => run.detail.request_key === key);
  }

  /** Something happened to a run: whoever polls hears of it. */
  tell(run: FakeRun | undefined, change: Partial<RunDetail>): void {
    if (run === undefined) throw new Error('no such run');
    const { question: _question, slot: _slot, ...rest } = run.detail;
    run.detail = { ...(change.status === undefined ? run.detail : rest), ...change };
    run.seq = ++this.seq;
    for (const look of this.waiting) look();
  }

  /** Ends a run that goes on, with exit 0. */
  complete(run: FakeRun | undefined): void {
    this.tell(run, { status: 'completed', outcome: { kind: 'exit', code: 0 }, ended_at: Date.now() });
  }

  /** Cuts every connection; the next boot tells of its runs what `as` says. */
  async die(as: (detail: RunDetail) => Partial<RunDetail> | 'forgotten'): Promise<void> {
    this.bootId = nanoid(8);
    this.seq = 0;
    for (const [id, run] of this.runs) {
      const change = as(run.detail);
      if (change === 'forgotten') this.runs.delete(id);
      else this.tell(run, change);
    }
    await this.cut();
  }

  /** Ends in order, and is the program of now when it is started again: what rests is there, the rest is lost. */
  async restart(): Promise<void> {
    this.restarts += 1;
    this.version = version;
    await this.die(({ status }) => (status === 'running' || status === 'input_required' ? 'forgotten' : {}));
  }

  /** Cuts every connection of this boot. */
  async cut(): Promise<void> {
    await Promise.all([...this.links].map((link) => link.close()));
  }

  get busy(): number {
    return [...this.runs.values()].filter(({ detail }) => detail.status === 'running').length;
  }

  private describe(): WorkerDescriptor {
    return {
      worker_id: this.id,
      boot_id: this.bootId,
      version: this.version,
      pid: process.pid,
      slots: this.slots,
      busy: this.busy,
      draining: false,
      reaping: 'best_effort',
      engines: this.engines ?? [
        { engine: 'command', available: true },
        this.hasCodex
          ? { engine: 'codex', available: true }
          : { engine: 'codex', available: false, why: 'There is no Codex here.' },
        { engine: 'codex-exec', available: false, why: 'There is no Codex here.' },
      ],
      pipelines: ['work', 'change', 'codex'],
      ...(this.host !== undefined && { host: this.host }),
    };
  }

  private start(key: string): FakeRun {
    const known = this.byKey(key);
    if (known !== undefined) return known;
    const answer = this.onStart(key);
    if (answer instanceof FleetError) throw answer;
    if (this.busy >= this.slots) throw new FleetError('NO_CAPACITY', 'No slot is free.');
    this.started.push(key);
    const runId = `run_${nanoid()}`;
    const detail: RunDetail = {
      run_id: runId,
      request_key: key,
      status: 'running',
      started_at: Date.now(),
      handles: [],
      decisions: [],
      notes: [],
    };
    const run: FakeRun = { seq: 0, detail };
    this.runs.set(runId, run);
    this.tell(run, {});
    return run;
  }

  private requests(): RequestHandlers<typeof workerRequests> {
    return {
      'codex-fleet/end_worker': () => Promise.resolve({ ending: false, kept_back: 0 }),
      'codex-fleet/limit_run': ({ run_id: runId, max_bytes: bytes }) => {
        if (bytes === 0) this.limited.push(runId);
        this.rooms.set(runId, bytes);
        return Promise.resolve({});
      },
      'codex-fleet/forget_runs': ({ keys, dry_run: dryRun }) => {
        const kept = keys.filter((key) => this.holds.has(key));
        if (!dryRun) this.forgotten.push(...keys.filter((key) => !kept.includes(key)));
        return Promise.resolve({ kept });
      },
      'codex-fleet/identity': () => failUnknown('identity'),
      'codex-fleet/descriptor': (asked) => Promise.resolve(this.sign(asked)),
      'codex-fleet/rotate_key': () => failUnknown('key'),
      'codex-fleet/sealed_values': () => Promise.resolve({ values: [], more: false }),
      'codex-fleet/sealed_original': () => Promise.resolve({ data: '' }),
    };
  }

  private handlers(): Handlers<WorkerContracts> {
    const next = '';
    return {
      describe_worker: () => this.describe(),
      start_run: async ({ request_key: key = '', wall_ms, output_bytes, limits }) => {
        this.bounds.push({ wall_ms, output_bytes, limits });
        const silent = this.onStart(key) === 'die';
        if (silent) this.onStart = () => 'accept';
        const { detail } = this.start(key);
        if (silent) {
          await this.cut();
          throw new FleetError('WORKER_UNAVAILABLE', 'gone');
        }
        return { task_id: 't', runs: [{ run_id: detail.run_id, status: detail.status }], cursor: '0', next };
      },
      poll_run: async (input, call) => {
        const after = Number(input.cursor ?? '0');
        const news = (): FakeRun[] => [...this.runs.values()].filter((run) => run.seq > after);
        if (news().length === 0 && (input.wait_ms ?? 0) > 0) {
          await new Promise<void>((resolve) => {
            const look = (): void => {
              if (news().length === 0) return;
              this.waiting.delete(look);
              resolve();
            };
            this.waiting.add(look);
            call.signal.addEventListener('abort', () => {
              this.waiting.delete(look);
              resolve();
            });
          });
        }
        const details = news().sort((a, b) => a.seq - b.seq);
        const cursor = String(details.at(-1)?.seq ?? after);
        return { runs: [], details: details.map((run) => run.detail), cursor, more: false, open: 0, next };
      },
      resume_run: ({ run_id: runId, answer, by, asked_at }) => {
        if (answer !== undefined) this.answers.push({ answer, by, asked_at });
        this.resumed.push(runId);
        const { outcome: _outcome, ...rest } = this.runs.get(runId)?.detail ?? failUnknown(runId);
        const run = { seq: 0, detail: rest };
        this.runs.set(runId, run);
        this.tell(run, { status: 'running' });
        return { run_id: runId, status: 'running', next };
      },
      cancel_run: ({ run_ids: ids = [] }) => {
        this.cancelled.push(...ids);
        for (const id of ids) {
          this.tell(this.runs.get(id), {
            status: 'cancelled',
            outcome: { kind: 'cancelled' },
            ended_at: Date.now(),
          });
        }
        return { runs: ids.map((id) => ({ run_id: id, status: 'cancelled' as const })), next };
      },
      pause_run: ({ run_id: runId }) => {
        this.tell(this.runs.get(runId), { status: 'paused', engine_thread_id: 'thread' });
        return { run_id: runId, status: 'paused', how: 'turn_boundary', next };
      },
      read_handle: (input) => this.onRead(input),
    };
  }
}

function failUnknown(runId: string): never {
  throw new FleetError('NOT_FOUND', `There is no run ${runId}.`);
}

/** Fake workers in the place of the local processes. */
export function fakeLocalWorkers(workers: ReadonlyMap<string, FakeWorker>): LocalWorkers {
  return {
    open: (id) => {
      const worker = workers.get(id);
      if (worker === undefined)
        return Promise.reject(new FleetError('WORKER_UNAVAILABLE', 'Nobody answers.'));
      return worker.connect();
    },
    end: async (_graceMs, id) => {
      if (id !== undefined) await workers.get(id)?.restart();
    },
  };
}
