import type { RequestHandlers } from '../../../mcp/own-requests.ts';
import type { WorkerRequests } from '../../../schemas/operator.ts';
import type { WorkerPrivacy } from '../privacy/worker-privacy.ts';

type Handlers = RequestHandlers<WorkerRequests>;

/** About 100 KiB: a sealed value takes some 200 bytes. */
const pageValues = 500;

const pageBytes = 512 * 1024;

/** Gives a coordinator what only it can read. */
export function sealedValues({
  privacy,
}: {
  privacy: Pick<WorkerPrivacy, 'sealedOf'>;
}): Handlers['codex-fleet/sealed_values'] {
  return ({ run_id: runId, from, done = false }) => {
    const sealed = privacy.sealedOf(runId);
    if (done) sealed.remove();
    const values = sealed.read(from, pageValues + 1);
    return Promise.resolve({ values: values.slice(0, pageValues), more: values.length > pageValues });
  };
}

/** The same for a diff. */
export function sealedDiff({
  privacy,
}: {
  privacy: Pick<WorkerPrivacy, 'readDiff'>;
}): Handlers['codex-fleet/sealed_diff'] {
  return ({ run_id: runId, from }) => {
    const data = privacy.readDiff(runId, from, pageBytes)?.toString('base64') ?? '';
    return Promise.resolve({ data });
  };
}
