import { z } from 'zod';
import { plainName } from './ids.ts';
import { processLimits } from './limits.ts';
import { engineName } from './pipeline.ts';
import { networkHost } from './network.ts';
import { sha256Hex } from './principal.ts';
import { sandboxProfile, scopedPath } from './sandbox.ts';

/** 32 bytes in base64url: an Ed25519 key, a thumbprint, a nonce. */
export const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);

/** Flattened JWS (RFC 7515, 7.2.2). */
export const signed = z.strictObject({
  protected: base64url.max(512),
  payload: base64url.max(65_536),
  signature: base64url.max(128),
});
export type Signed = z.infer<typeof signed>;

/** Nothing that says where a key is found: keys come from the enrolment and from nowhere else. */
export const jwsHeader = z.strictObject({
  alg: z.literal('EdDSA'),
  /** Thumbprint of the key (RFC 7638). */
  kid: bytes32,
  typ: z.enum(['fleet-worker+jws', 'fleet-key+jws']),
});
export type JwsType = z.infer<typeof jwsHeader>['typ'];

/** The most that commands of any of its pipelines reach. */
const signedScope = z.strictObject({
  profile: sandboxProfile,
  network: z.union([z.boolean(), z.array(networkHost).max(1_024)]),
  write: z.array(scopedPath).max(1_024),
  read: z.array(scopedPath).max(1_024),
});
export type SignedScope = z.infer<typeof signedScope>;

/** A worker's signed statement of what it is. Times are ms since the epoch. */
export const descriptorClaims = z.strictObject({
  v: z.literal(1),
  worker_id: plainName,
  /** Its boot, as `describe_worker` names it. */
  epoch: z.string().min(1).max(200),
  /** Rises with every descriptor of a boot. */
  seq: z.int().min(1),
  issued_at: z.int(),
  expires_at: z.int(),
  /** The coordinator it is for, and what that asked with. */
  audience: bytes32,
  nonce: bytes32,
  revocation_epoch: z.int().min(0),
  transport: z.enum(['http', 'https']),
  versions: z.strictObject({ fleet: z.string().max(64), node: z.string().max(64) }),
  engines: z.array(z.strictObject({ engine: engineName, version: z.string().max(200).optional() })).max(16),
  /** The programs it starts for engines, by content. */
  binaries: z.array(z.strictObject({ name: z.string().max(64), sha256: sha256Hex })).max(16),
  slots: z.int().min(1).max(1_024),
  limits: z.strictObject({ wall_ms: z.int(), output_bytes: z.int(), ...processLimits }),
  /** What ends, confines and bounds the processes of a run there, as far as it was tried. */
  sandbox: z.array(z.string().max(64)).max(32),
  scope: signedScope,
  /** Hashes of the canonical JSON of each entry of `tools/list`. */
  tools: z.array(z.strictObject({ name: z.string().max(128), sha256: sha256Hex })).max(64),
});
export type DescriptorClaims = z.infer<typeof descriptorClaims>;

/** What a key says of the one that follows it. */
export const keyClaims = z.strictObject({
  v: z.literal(1),
  worker_id: plainName,
  audience: bytes32,
  nonce: bytes32,
  next_key: bytes32,
});

/** What a coordinator asks a descriptor with. */
export const descriptorAsk = z.strictObject({
  audience: bytes32,
  nonce: bytes32,
  revocation_epoch: z.int().min(0),
});
export type DescriptorAsk = z.infer<typeof descriptorAsk>;

/** What becomes of the runs of a worker that is revoked. */
export const revocation = z.enum(['cancel', 'finish']);

const enrolledKey = z.strictObject({
  kid: bytes32,
  key: bytes32,
  added_at: z.int(),
  /** Rotated out: not accepted from then on. */
  until: z.int().optional(),
});
export type EnrolledKey = z.infer<typeof enrolledKey>;

const enrolledWorker = z.strictObject({
  /** As it calls itself. */
  worker_id: plainName,
  keys: z.array(enrolledKey).min(1).max(2),
  revoked: revocation.optional(),
});
export type EnrolledWorker = z.infer<typeof enrolledWorker>;

/** The workers elsewhere that may get runs, by their names in the configuration. */
export const enrolment = z.strictObject({
  /** Names this fleet to them; random. */
  audience: bytes32,
  /** Higher with every revocation: descriptors from before it count no more. */
  revocation_epoch: z.int().min(0),
  workers: z.record(plainName, enrolledWorker),
});
export type Enrolment = z.infer<typeof enrolment>;
