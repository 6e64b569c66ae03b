import type { RequestHandlers } from '../../../mcp/own-requests.ts';
import type { Config } from '../../../schemas/config.ts';
import type { DescriptorClaims } from '../../../schemas/descriptor.ts';
import type { WorkerRequests } from '../../../schemas/operator.ts';
import type { EngineStatus } from '../../../schemas/worker.ts';
import type { WorkerIdentity } from '../handlers/describe-worker.ts';

/** What is asked of a worker about who it is. */
export type Signer = RequestHandlers<
  Pick<WorkerRequests, 'codex-fleet/identity' | 'codex-fleet/descriptor' | 'codex-fleet/rotate_key'>
>;

export interface SignOptions {
  dir: string;
  identity: WorkerIdentity;
  engines: () => Promise<EngineStatus[]>;
  slots: number;
  transport: DescriptorClaims['transport'];
  config: Config;
  /** Layers of the sandbox and of limits that hold there. */
  enforced: () => Promise<string[]>;
  /** Where Codex is looked for. */
  path: string;
  now: () => number;
}
