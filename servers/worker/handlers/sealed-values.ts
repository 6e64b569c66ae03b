import type { RequestHandlers } from '../../../mcp/own-requests.ts';
import type { WorkerRequests } from '../../../schemas/operator.ts';
import type { OriginalName } from '../../../schemas/privacy.ts';
import type { WorkerPrivacy } from '../privacy/worker-privacy.ts';

type Handlers = RequestHandlers<WorkerRequests>;

/** About 100 KiB: a sealed value takes some 200 bytes. */
const pageValues = 500;

const pageBytes = 512 * 1024;

/** Gives a coordinator what only it can read. */
export function sealedValues({
  privacy: { sealed },
}: {
  privacy: Pick<WorkerPrivacy, 'sealed'>;
}): Handlers['codex-fleet/sealed_values'] {
  return ({ run_id: runId, from, done = false }) => {
    if (done) sealed.remove(runId);
    return Promise.resolve(sealed.read(runId, from, pageValues));
  };
}

/** The same for what is kept to the byte. */
export function sealedOriginal({
  privacy,
}: {
  privacy: Pick<WorkerPrivacy, 'readOriginal'>;
}): Handlers['codex-fleet/sealed_original'] {
  return ({ run_id: runId, name, from }) => {
    const data = privacy.readOriginal(runId, asOriginal(name), from, pageBytes)?.toString('base64') ?? '';
    return Promise.resolve({ data });
  };
}

function asOriginal(name: string): OriginalName {
  return name === 'diff' ? name : `artifact:${name.slice('artifact:'.length)}`;
}
