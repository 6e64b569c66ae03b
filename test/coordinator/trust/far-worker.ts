import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { hashTools } from '../../../core/trust/tool-hashes.ts';
import { serveHttp } from '../../../mcp/serve-http.ts';
import { listTools } from '../../../mcp/tool-table.ts';
import { secretVerifier } from '../../../mcp/verifier.ts';
import { newNonce } from '../../../platform/trust/enrolment.ts';
import { publicPart, signClaims, thumbprint } from '../../../platform/trust/jws.ts';
import type {
  DescriptorAsk,
  DescriptorClaims,
  EnrolledWorker,
  Enrolment,
  Signed,
} from '../../../schemas/descriptor.ts';
import { workerContracts } from '../../../schemas/tools.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { fakeFleet, type FakeFleet } from '../fake-fleet.ts';
import { FakeWorker } from '../fake-worker.ts';

const secret = 'a secret of the worker elsewhere';
export const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
export const encode = (text: string): string => Buffer.from(text).toString('base64url');

/** A fleet whose only worker is elsewhere and signs what the test says. */
export interface Far {
  fleet: FakeFleet;
  worker: FakeWorker;
  key: KeyObject;
  /** Honest claims of the moment. */
  claims(asked: DescriptorAsk, change?: Partial<DescriptorClaims>): DescriptorClaims;
  enrol(change: Partial<EnrolledWorker>, epoch?: number): void;
  /** Another coordinator in the same state folder, once the one before it is gone. */
  another(): Promise<FakeFleet>;
}

export type FarWorker = Omit<Far, 'fleet' | 'another'>;

/** `nowMs` of the fleet's clock before it begins. */
const nowMs = 1_000_000;

export async function farWorker(
  signed: (asked: DescriptorAsk, far: FarWorker) => Signed,
  enrolled: Partial<EnrolledWorker> | 'not' = {},
  contracts = workerContracts,
  settings: Record<string, unknown> = {},
): Promise<Far> {
  const folder = scratchFolder();
  const key = newKey();
  const worker = new FakeWorker('far', 2);
  worker.contracts = contracts;
  let now = (): number => nowMs;
  const audience = newNonce();
  let seq = 0;
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const far: FarWorker = {
    worker,
    key,
    claims: (asked, change = {}) => ({
      v: 1,
      worker_id: 'far',
      epoch: worker.bootId,
      seq: ++seq,
      issued_at: now(),
      expires_at: now() + 600_000,
      ...asked,
      transport: 'http',
      versions: { fleet: '0.1.0', node: 'v20' },
      engines: [{ engine: 'command' }],
      binaries: [],
      slots: 2,
      limits: { wall_ms: 1_000, output_bytes: 1_000 },
      sandbox: ['best_effort'],
      scope: { profile: 'off', network: true, write: [], read: [] },
      tools: hashTools(listTools(workerContracts), sha256),
      ...change,
    }),
    enrol(change, epoch = 0) {
      const x = publicPart(key);
      const keys = [{ kid: thumbprint(x), key: x, added_at: 0 }];
      const workers = { far: { worker_id: 'far', keys, ...change } };
      const content: Enrolment = { audience, revocation_epoch: epoch, workers };
      writeFileSync(join(folder, 'enrolled.json'), JSON.stringify(content));
    },
  };
  if (enrolled !== 'not') far.enrol(enrolled);
  worker.sign = (asked) => signed(asked, far);
  const service = await serveHttp(worker.factory(), { port: 0, verify: secretVerifier(secret) });
  const open = () =>
    fakeFleet({
      folder,
      slots: [],
      config: {
        remote_workers: {
          far: {
            url: `http://127.0.0.1:${String(service.port)}/mcp`,
            secret: { command: ['/bin/echo', secret] },
          },
        },
        ...settings,
      },
    });
  let fleet = await open();
  onTestFinished(async () => {
    await fleet.close();
    await service.close();
  });
  now = () => fleet.clock.nowMs;
  const another = async (): Promise<FakeFleet> => {
    await fleet.close();
    fleet = await open();
    return fleet;
  };
  return { ...far, fleet, another };
}

/** As one signs by hand what the signing of this program would refuse. */
export function signByHand(key: KeyObject, header: object, payload: string): Signed {
  const head = encode(JSON.stringify(header));
  const body = encode(payload);
  return {
    protected: head,
    payload: body,
    signature: sign(null, Buffer.from(`${head}.${body}`), key).toString('base64url'),
  };
}

export const header = (key: KeyObject, change: object = {}): object => ({
  alg: 'EdDSA',
  kid: thumbprint(publicPart(key)),
  typ: 'fleet-worker+jws',
  ...change,
});

export const honest = (asked: DescriptorAsk, { claims, key }: FarWorker): Signed =>
  signClaims('fleet-worker+jws', claims(asked), key);
