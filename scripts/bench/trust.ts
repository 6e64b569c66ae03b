import { generateKeyPairSync } from 'node:crypto';
import { hashTools } from '../../core/trust/tool-hashes.ts';
import { listTools } from '../../mcp/tool-table.ts';
import { newNonce } from '../../platform/trust/enrolment.ts';
import { publicPart, signClaims, thumbprint } from '../../platform/trust/jws.ts';
import { openDescriptor } from '../../platform/trust/open-descriptor.ts';
import { tokenDigest } from '../../platform/tokens.ts';
import type { DescriptorClaims } from '../../schemas/descriptor.ts';
import { workerContracts } from '../../schemas/tools.ts';
import type { Bench } from '../bench.ts';
import { quantile } from './statistics.ts';

const rounds = 2_000;
const targetMs = 0.5;

/** How long it takes to open a worker's descriptor, as a coordinator does it: signature, canonical form, shape, claims. */
export function run(): Promise<Bench> {
  const key = generateKeyPairSync('ed25519').privateKey;
  const x = publicPart(key);
  const keys = [{ kid: thumbprint(x), key: x, added_at: 0 }];
  const asked = { audience: newNonce(), nonce: newNonce(), revocation_epoch: 0 };
  const claims: DescriptorClaims = {
    v: 1,
    worker_id: 'far',
    epoch: 'boot',
    seq: 1,
    issued_at: 1_000,
    expires_at: 601_000,
    ...asked,
    transport: 'https',
    versions: { fleet: '0.1.0', node: process.version },
    engines: [{ engine: 'command' }, { engine: 'codex', version: '0.169.0' }],
    binaries: ['node', 'codex', 'bwrap'].map((name) => ({ name, sha256: tokenDigest(name) })),
    slots: 4,
    limits: { wall_ms: 3_600_000, output_bytes: 1_073_741_824 },
    sandbox: ['pid_namespace', 'cgroup', 'seccomp'],
    scope: { profile: 'default', network: ['a.test'], write: [], read: [] },
    tools: hashTools(listTools(workerContracts), tokenDigest),
  };
  const signed = signClaims('fleet-worker+jws', claims, key);
  const worker = { worker_id: 'far' };
  const judging = { asked, worker, transport: 'https', accepted: undefined, now: 2_000 } as const;
  const times = Array.from({ length: rounds }, () => {
    const from = performance.now();
    const { ok } = openDescriptor(signed, keys, judging);
    if (!ok) throw new Error('the descriptor was refused');
    return performance.now() - from;
  });
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  const bytes = signed.payload.length + signed.protected.length + signed.signature.length;
  const table = [
    `A descriptor of ${String(bytes)} bytes, opened ${String(rounds)} times:`,
    `  p50 ${p50.toFixed(3)} ms (target ≤ ${String(targetMs)})   p99 ${p99.toFixed(3)} ms`,
  ].join('\n');
  return Promise.resolve({
    table,
    pass: p50 <= targetMs,
    figures: { bytes, rounds, p50_ms: p50, p99_ms: p99 },
  });
}
