import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../core/trust/canonical.ts';
import { newNonce } from '../../../platform/trust/enrolment.ts';
import { publicPart, signClaims, thumbprint } from '../../../platform/trust/jws.ts';
import { openDescriptor } from '../../../platform/trust/open-descriptor.ts';
import type {
  DescriptorAsk,
  DescriptorClaims,
  EnrolledWorker,
  Signed,
  SignedScope,
} from '../../../schemas/descriptor.ts';
import { sandboxLayers } from '../../../schemas/sandbox.ts';
import { workerContracts } from '../../../schemas/tools.ts';
import { eventually } from '../../helpers/processes.ts';
import {
  encode,
  farWorker,
  header,
  honest,
  newKey,
  signByHand,
  type Far,
  type FarWorker,
} from './far-worker.ts';

type Sign = (asked: DescriptorAsk, far: FarWorker) => Signed;

const typ = 'fleet-worker+jws';
const other = newKey();
const changed =
  (change: (far: FarWorker) => Partial<DescriptorClaims>): Sign =>
  (asked, far) =>
    signClaims(typ, far.claims(asked, change(far)), far.key);
const withHeader =
  (change: object): Sign =>
  (asked, far) =>
    signByHand(far.key, header(far.key, change), canonicalJson(far.claims(asked)));
const withText =
  (change: (text: string) => string): Sign =>
  (asked, far) =>
    signByHand(far.key, header(far.key), change(canonicalJson(far.claims(asked))));
const replaced =
  (part: keyof Signed, make: (signed: Signed, far: FarWorker) => string): Sign =>
  (asked, far) => {
    const signed = honest(asked, far);
    return { ...signed, [part]: make(signed, far) };
  };

/** All it takes to get a run, but one thing. */
const forged: Record<string, Sign> = {
  'its payload altered': replaced('payload', ({ payload }) =>
    encode(Buffer.from(payload, 'base64url').toString().replace('"slots":2', '"slots":9')),
  ),
  'its header altered': replaced('protected', (_, { key }) =>
    encode(canonicalJson(header(key, { typ: 'x' }))),
  ),
  'no signature worth the name': replaced('signature', () => 'AAAA'),
  expired: changed(() => ({ issued_at: 200_000, expires_at: 800_000 })),
  'good for too long': changed(() => ({ expires_at: 1_000_000 + 600_001 })),
  'of the future': changed(() => ({ issued_at: 1_100_000, expires_at: 1_600_000 })),
  'made for an earlier question': changed(() => ({ nonce: newNonce() })),
  'for another fleet': changed(() => ({ audience: newNonce() })),
  'of another worker': changed(() => ({ worker_id: 'near' })),
  'for another transport': changed(() => ({ transport: 'https' })),
  'from before a revocation': changed(() => ({ revocation_epoch: 7 })),
  'of another boot than the one that answers': changed(() => ({ epoch: 'another' })),
  'for fewer slots than it offers': changed(() => ({ slots: 1 })),
  'of another shape': withText((text) => text.replace('"v":1', '"v":2')),
  'with a member twice': withText((text) => text.replace('"slots":2', '"slots":2,"slots":2')),
  'with a member twice, the last as it should be': withText((text) => text.replace('{', '{"slots":9,')),
  'with half of a surrogate pair': withText((text) => text.replace('"best_effort"', '"\\ud800"')),
  'with blanks': withText((text) => text.replace(',', ', ')),
  'no JSON': withText((text) => text.slice(1)),
  'signed by a key nobody enrolled': (asked, { claims }) => signClaims(typ, claims(asked), other),
  'signed by another key than it names': (asked, { key, claims }) =>
    signByHand(other, header(key), canonicalJson(claims(asked))),
  'of alg none': (asked, far) => ({ ...withHeader({ alg: 'none' })(asked, far), signature: 'AA' }),
  'of alg HS256, the public key its secret': (asked, far) => {
    const head = encode(canonicalJson(header(far.key, { alg: 'HS256' })));
    const payload = encode(canonicalJson(far.claims(asked)));
    const mac = createHmac('sha256', Buffer.from(publicPart(far.key), 'base64url'));
    return { protected: head, payload, signature: mac.update(`${head}.${payload}`).digest('base64url') };
  },
  'with a key of its own in the header': (asked, { claims }) => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicPart(other) };
    return signByHand(other, header(other, { jwk }), canonicalJson(claims(asked)));
  },
  'with the place of a key in the header': withHeader({ jku: 'http://127.0.0.1:1/keys' }),
  'of what signs keys': (asked, { claims, key }) => signClaims('fleet-key+jws', claims(asked), key),
};

async function hasTried({ fleet }: Far): Promise<void> {
  await eventually(() => (fleet.parts.fleet.get('far')?.failedTries ?? 0) > 0, 10_000);
}

async function refused(far: Far): Promise<void> {
  const [run = ''] = await far.fleet.start(1);
  const worker = far.fleet.parts.fleet.get('far');
  await hasTried(far);
  expect(worker?.refusal).toMatch(/far/);
  expect(worker?.link).toBeUndefined();
  expect(far.worker.started).toEqual([]);
  expect((await far.fleet.run(run)).status).toBe('pending');
}

describe('a worker elsewhere', () => {
  it('gets runs once it has proved who it is', async () => {
    const far = await farWorker(honest);
    const [run = ''] = await far.fleet.start(1);
    await far.fleet.until(run, ({ status }) => status === 'running');
    await eventually(() => far.worker.started.length === 1, 5_000);
    expect(far.fleet.parts.fleet.get('far')?.refusal).toBeUndefined();
  });

  it('gets commands that ask for a sandbox once it has signed one that is no wider', async () => {
    const scope: SignedScope = { profile: 'strict', network: ['a.test'], write: ['/data/out'], read: [] };
    const signing =
      (change: Partial<SignedScope>, sandbox = ['pid_namespace', ...sandboxLayers]): Sign =>
      (asked, { key, claims }) =>
        signClaims(typ, claims(asked, { scope: { ...scope, ...change }, sandbox }), key);
    const settings = {
      sandbox: { profile: 'default', network: ['a.test', 'b.test'], write: ['/data'] },
    };
    const far = await farWorker(signing({}), {}, workerContracts, settings);
    await far.fleet.start(1);
    await eventually(() => far.worker.started.length === 1, 5_000);
    const wider = [
      signing({ profile: 'off' }),
      signing({}, ['pid_namespace', 'filesystem']),
      signing({ network: true }),
      signing({ network: ['c.test'] }),
      signing({ write: ['/'] }),
      signing({ read: ['/home'] }),
    ];
    for (const sign of wider) {
      const other = await farWorker(sign, {}, workerContracts, settings);
      await eventually(() => other.fleet.parts.fleet.get('far')?.state === 'up', 5_000);
      await expect(other.fleet.start(1)).rejects.toThrow('sandbox not promised');
      expect(other.worker.started).toEqual([]);
    }
  });

  it('is asked to hold runs to what we are stricter in than it has signed to be', async () => {
    const limits = { wall_ms: 900, output_bytes: 5_000, processes: 7 };
    const far = await farWorker(honest, {}, workerContracts, { limits });
    await far.fleet.start(1);
    await eventually(() => far.worker.started.length === 1, 5_000);
    expect(far.worker.bounds).toEqual([{ wall_ms: 900, output_bytes: undefined, limits: { processes: 7 } }]);
  });

  it('gets none with a descriptor that is anything but right', async () => {
    const cases = Object.entries(forged);
    const fleets = await Promise.all(cases.map(([, sign]) => farWorker(sign)));
    const runs = await Promise.all(fleets.map(async ({ fleet }) => (await fleet.start(1))[0] ?? ''));
    await Promise.all(fleets.map(hasTried));
    const told = await Promise.all(
      fleets.map(async (far, at) => ({
        forged: cases[at]?.[0],
        dispatched: far.worker.started.length,
        status: (await far.fleet.run(runs[at] ?? '')).status,
        isLetIn: far.fleet.parts.fleet.get('far')?.link !== undefined,
        says: far.fleet.parts.fleet.get('far')?.refusal?.includes('orker far') === true,
      })),
    );
    const none = { dispatched: 0, status: 'pending', isLetIn: false, says: true };
    expect(told).toEqual(cases.map(([what]) => ({ forged: what, ...none })));
  }, 30_000);

  it('gets none with one that was used before, or is of a boot that others came after', async () => {
    const kept: Signed[] = [];
    const far = await farWorker((asked, at) => {
      const signed = honest(asked, at);
      kept.push(signed);
      return kept.length > 1 ? (kept[0] ?? signed) : signed;
    });
    await eventually(() => far.fleet.parts.fleet.get('far')?.state === 'up', 5_000);
    far.fleet.parts.fleet
      .get('far')
      ?.link?.close()
      .catch(() => undefined);
    await eventually(() => kept.length > 1, 5_000);
    await refused(far);
  });

  it('gets none from a coordinator that was started anew with what the one before it was shown', async () => {
    const kept: Signed[] = [];
    const far = await farWorker((asked, at) => {
      const signed = kept[0] ?? honest(asked, at);
      kept.push(signed);
      return signed;
    });
    await eventually(() => far.fleet.parts.fleet.get('far')?.state === 'up', 5_000);
    await refused({ ...far, fleet: await far.another() });
    expect(kept.length).toBeGreaterThan(1);
  });

  it('is held to what it signs when it proves itself anew', async () => {
    let change: Partial<DescriptorClaims> = {};
    const far = await farWorker((asked, { key, claims }) => signClaims(typ, claims(asked, change), key));
    const known = () => far.fleet.parts.fleet.get('far');
    await far.fleet.start(1);
    await eventually(() => far.worker.started.length === 1 && known()?.state === 'up', 5_000);
    const afterHalf = (): void => {
      far.fleet.clock.nowMs += 300_000;
      far.worker.tell([...far.worker.runs.values()][0], {});
    };
    const link = known()?.link;
    change = { scope: { profile: 'strict', network: false, write: [], read: [] } };
    afterHalf();
    await eventually(() => known()?.signed?.scope.profile === 'strict', 5_000);
    expect(known()?.link).toBe(link);
    change = { slots: 1 };
    afterHalf();
    await eventually(() => known()?.refusal?.includes('another than it has signed') === true, 5_000);
    expect(known()?.link).toBeUndefined();
  });

  it.each<[string, Partial<EnrolledWorker> | 'not']>([
    ['was never enrolled', 'not'],
    ['was revoked', { revoked: 'cancel' }],
    ['was revoked with nothing to finish', { revoked: 'finish' }],
  ])('gets none where it %s', async (_what, enrolled) => {
    await refused(await farWorker(honest, enrolled));
  });

  it('gets none whose tools are not those it has signed', async () => {
    const { poll_run: poll } = workerContracts;
    const swapped = {
      ...workerContracts,
      poll_run: { ...poll, description: `${poll.description} And more.` },
    };
    await refused(await farWorker(honest, {}, swapped));
  });

  it('gets runs by either of two keys while it rotates, by none that was rotated out', async () => {
    const next = newKey();
    const entry = (key: typeof next, until?: number) => {
      const x = publicPart(key);
      return { kid: thumbprint(x), key: x, added_at: 0, ...(until !== undefined && { until }) };
    };
    const far = await farWorker((asked, at) => signClaims(typ, at.claims(asked), next), 'not');
    far.enrol({ keys: [entry(far.key), entry(next)] });
    await eventually(() => far.fleet.parts.fleet.get('far')?.state === 'up', 5_000);
    far.enrol({ keys: [entry(next, 999_999), entry(far.key)] }, 1);
    await far.fleet.parts.fleet.get('far')?.link?.close();
    await refused(far);
  });
});

it('opens a descriptor within half a millisecond', () => {
  const key = newKey();
  const x = publicPart(key);
  const keys = [{ kid: thumbprint(x), key: x, added_at: 0 }];
  const asked = { audience: newNonce(), nonce: newNonce(), revocation_epoch: 0 };
  const tools = Object.keys(workerContracts).map((name) => ({ name, sha256: 'a'.repeat(64) }));
  const claims: DescriptorClaims = {
    v: 1,
    worker_id: 'far',
    epoch: 'boot',
    seq: 1,
    issued_at: 1_000,
    expires_at: 601_000,
    ...asked,
    transport: 'https',
    versions: { fleet: '0.1.0', node: 'v20' },
    engines: [{ engine: 'command' }, { engine: 'codex', version: '0.169.0' }],
    binaries: [{ name: 'node', sha256: 'b'.repeat(64) }],
    slots: 4,
    limits: { wall_ms: 1, output_bytes: 1 },
    sandbox: ['pid_namespace'],
    scope: { profile: 'default', network: ['a.test'], write: [], read: [] },
    tools,
  };
  const signed = signClaims(typ, claims, key);
  const judging = {
    asked,
    worker: { worker_id: 'far' },
    transport: 'https',
    accepted: undefined,
    now: 2_000,
  } as const;
  const times = Array.from({ length: 400 }, () => {
    const from = performance.now();
    expect(openDescriptor(signed, keys, judging).ok).toBe(true);
    return performance.now() - from;
  });
  const p50 = times.sort((a, b) => a - b)[200] ?? Infinity;
  expect(p50).toBeLessThanOrEqual(0.5);
});
