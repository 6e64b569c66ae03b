import { widestScope } from '../../../core/trust/scope.ts';
import { createHash, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { FleetError } from '../../../core/errors.ts';
import { strictestLimits } from '../../../core/limits.ts';
import { maxLifeMs } from '../../../core/trust/judge-descriptor.ts';
import { hashTools } from '../../../core/trust/tool-hashes.ts';
import { listTools } from '../../../mcp/tool-table.ts';
import { openIdentity } from '../../../platform/trust/identity.ts';
import { publicPart, signClaims } from '../../../platform/trust/jws.ts';
import type { Config } from '../../../schemas/config.ts';
import type { DescriptorClaims } from '../../../schemas/descriptor.ts';
import { workerContracts } from '../../../schemas/tools.ts';
import { findCodex } from '../engines/codex/find-codex.ts';
import type { SignOptions, Signer } from './signer.ts';

/** What a worker says of itself under its own key. */
export function createSigner(options: SignOptions): Signer {
  const { identity, config, now } = options;
  const keys = openIdentity(options.dir);
  const tools = hashTools(listTools(workerContracts), sha256);
  const binaries = hashBinaries(config, options.path);
  const scope = widestScope(config);
  let seq = 0;

  async function claimsFor(
    asked: Pick<DescriptorClaims, 'audience' | 'nonce' | 'revocation_epoch'>,
  ): Promise<DescriptorClaims> {
    const statuses = await options.engines();
    const at = now();
    return {
      v: 1,
      worker_id: identity.worker_id,
      epoch: identity.boot_id,
      seq: ++seq,
      issued_at: at,
      expires_at: at + maxLifeMs,
      ...asked,
      transport: options.transport,
      versions: { fleet: identity.version, node: process.version },
      engines: statuses
        .filter(({ available }) => available)
        .map(({ engine, version }) => ({ engine, ...(version !== undefined && { version }) })),
      binaries: await binaries,
      slots: options.slots,
      limits: {
        wall_ms: config.limits.wall_ms,
        output_bytes: config.limits.output_bytes,
        ...strictestLimits(config.limits),
      },
      sandbox: [identity.reaping, ...(await options.enforced())],
      scope,
      tools,
    };
  }
  return {
    'codex-fleet/identity': () =>
      Promise.resolve({ worker_id: identity.worker_id, key: publicPart(keys.current()) }),
    'codex-fleet/descriptor': async (asked) =>
      signClaims('fleet-worker+jws', await claimsFor(asked), keys.current()),
    'codex-fleet/rotate_key': ({ audience, nonce, turn_to: wanted }) => {
      const next = nextOf(keys.next(), keys.current(), wanted);
      const claims = { v: 1, worker_id: identity.worker_id, audience, nonce, next_key: publicPart(next) };
      const announced = signClaims('fleet-key+jws', claims, keys.current());
      if (wanted !== undefined && publicPart(keys.current()) !== wanted) keys.turn();
      return Promise.resolve(announced);
    },
  };
}

/** Asked again after an answer that was lost, the key has turned already. */
function nextOf(next: KeyObject, current: KeyObject, wanted: string | undefined): KeyObject {
  const isKnown = wanted === undefined || [next, current].some((key) => publicPart(key) === wanted);
  if (!isKnown) throw new FleetError('CONFLICT', 'That is not the key that comes next.');
  return wanted !== undefined && publicPart(current) === wanted ? current : next;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Read once for each life of the worker, which has to restart to use others. */
async function hashBinaries(config: Config, path: string): Promise<DescriptorClaims['binaries']> {
  const codex = await findCodex(config, path).catch(() => undefined);
  const files = [
    { name: 'node', file: process.execPath },
    ...(codex === undefined ? [] : [{ name: 'codex', file: codex.binary }]),
  ];
  return Promise.all(files.map(async ({ name, file }) => ({ name, sha256: await hashFile(file) })));
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}
