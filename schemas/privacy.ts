import { z } from 'zod';

/** Kinds of private values. IP and HOST are left alone unless asked for. */
export const privateTypes = ['EMAIL', 'PHONE', 'PERSON', 'SECRET', 'IP', 'HOST'] as const;
export const privateType = z.enum(privateTypes);
export type PrivateType = z.infer<typeof privateType>;

/** What a surrogate can stand for: a private value, or text that only looked like a surrogate (`TEXT`). */
export const surrogateTypes = [...privateTypes, 'TEXT'] as const;
export const surrogateType = z.enum(surrogateTypes);
export type SurrogateType = z.infer<typeof surrogateType>;

/** How many, by type. */
export const typeCounts = z.partialRecord(surrogateType, z.int().min(0));
export type TypeCounts = z.infer<typeof typeCounts>;

export const privacyMode = z.enum(['enforce', 'off']);
export type PrivacyMode = z.infer<typeof privacyMode>;

/** A value stored for a surrogate, readable for the coordinator alone: X25519 and AES-256-GCM, in base64. */
export const sealedValue = z.strictObject({
  surrogate: z.string(),
  type: surrogateType,
  ephemeral: z.string(),
  box: z.string(),
});
export type SealedValue = z.infer<typeof sealedValue>;

/** By which a coordinator gives a worker what it needs to make the surrogates of a task, and nothing to undo them. */
export const privacyMethod = 'notifications/codex-fleet/privacy';

export const privacyParams = z.strictObject({
  task_id: z.string(),
  /** Both 32 bytes, in base64. */
  surrogate_key: z.string(),
  public_key: z.string(),
});

/** Where an engine keeps what it needs to go on with a conversation: on a tmpfs, on disk, or not at all. */
export const conversationPlace = z.enum(['memory', 'disk', 'none']);
export type ConversationPlace = z.infer<typeof conversationPlace>;

/** What a worker tells of the guard in a run. */
export const runPrivacyDetail = z.strictObject({
  mode: privacyMode,
  home: conversationPlace.optional(),
  replaced: typeCounts.optional(),
  /** Values it keeps sealed for its coordinator. */
  sealed: z.int().min(0).optional(),
});
export type RunPrivacyDetail = z.infer<typeof runPrivacyDetail>;

/** What the guard did in an attempt, as its manifest shows it. */
export const attemptPrivacy = z.strictObject({
  mode: privacyMode.optional(),
  home: conversationPlace.optional(),
  replaced: typeCounts.optional(),
  /** What was put back in what the worker was given: where to, and how many. */
  restored: z.strictObject({ destination: z.string(), counts: typeCounts }).optional(),
  withheld: typeCounts.optional(),
  /** Surrogates in what the worker was given that nobody knows. */
  unknown: z.int().min(0).optional(),
});
export type AttemptPrivacy = z.infer<typeof attemptPrivacy>;

/** One time values were put back, or that was refused: where to, and how many. No values. */
export const restoreRecord = z.strictObject({
  at: z.int(),
  task_id: z.string(),
  run_id: z.string(),
  handle_id: z.string().optional(),
  destination: z.string(),
  allowed: z.boolean(),
  restored: typeCounts,
  withheld: typeCounts,
  unknown: z.int().min(0),
});
export type RestoreRecord = z.infer<typeof restoreRecord>;

/** What is kept sealed of a run to the byte: its diff, or a file it declared, by the name its handle has. */
export const originalName = z
  .string()
  .regex(/^(?:diff$|artifact:)/)
  .max(600);
export type OriginalName = 'diff' | `artifact:${string}`;

export function originalOf(handle: { stream: string; name?: string | undefined }): OriginalName | undefined {
  if (handle.stream === 'diff') return 'diff';
  return handle.stream === 'artifact' && handle.name !== undefined ? `artifact:${handle.name}` : undefined;
}

/** It is the sealer's public key of 32 bytes, then frames: their length (32 bits, little-endian) and a box. */
export const lengthBytes = 4;

/** What a frame belongs to: none can be left out, moved or taken from another original. */
export function frameContext(
  taskId: string,
  runId: string,
  name: OriginalName,
  frame: number,
  isLast: boolean,
): string {
  return `${taskId}|${name}|${runId}|${String(frame)}|${isLast ? 'last' : 'more'}`;
}
