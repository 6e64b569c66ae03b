import type { Logger } from '../../platform/log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import type { Config } from '../../schemas/config.ts';
import type { AskClients } from '../ask-clients.ts';
import type { Admission } from '../admission.ts';
import type { Breakers } from '../breakers.ts';
import type { Changes } from '../changes.ts';
import type { Clock } from '../clock.ts';
import type { Dispatch } from '../dispatch.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { OpenAttempts } from '../fleet/open-attempts.ts';
import type { News } from '../news.ts';
import type { Parking } from '../parking.ts';
import type { Places } from '../places.ts';
import type { Collect } from '../privacy/collect.ts';
import type { Privacy } from '../privacy/privacy.ts';
import type { Vault } from '../privacy/vault.ts';
import type { Readiness } from '../readiness.ts';
import type { CopyReader } from '../replicas/reader.ts';
import type { Replicas } from '../replicas/replicas.ts';
import type { Retention } from '../retention/retention.ts';
import type { Scheduler } from '../scheduler.ts';
import type { RunStore } from '../store/run-store.ts';
import type { Told } from '../told.ts';

/** What the tools work with: made once in main.ts. */
export interface HandlerDeps {
  store: RunStore;
  scheduler: Scheduler;
  readiness: Pick<Readiness, 'waitsFor'>;
  attempts: OpenAttempts;
  fleet: Fleet;
  dispatch: Dispatch;
  admission: Admission;
  parking: Parking;
  retention: Retention;
  breakers: Breakers;
  changes: Changes;
  news: News;
  asks: AskClients;
  privacy: Privacy;
  collect: Collect;
  vault: Vault;
  clock: Clock;
  config: Config;
  places: Places;
  replicas: Replicas;
  copies: CopyReader;
  /** The user's home folder. */
  home: string;
  /** Where the fleet keeps its own records. */
  stateDir: string;
  /** Of the coordinator's own process: that of a call which says none. */
  depth: number;
  told: Told;
  telemetry: Telemetry;
  log: Logger;
  /** Whether new runs are refused because the fleet goes down. */
  isStopping(): boolean;
}
