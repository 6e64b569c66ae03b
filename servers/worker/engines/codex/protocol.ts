import { z } from 'zod';

/**
 * The part of the app-server protocol (v2, as of Codex 0.169) that is used here. Objects are loose:
 * fields added by a later Codex do no harm, a missing one is an error.
 */
const requestId = z.union([z.string(), z.number()]);

export const message = z.looseObject({
  id: requestId.optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
});
export type RequestId = z.infer<typeof requestId>;

export const initializeResult = z.looseObject({ userAgent: z.string() });
export const threadResult = z.looseObject({ thread: z.looseObject({ id: z.string() }) });
export const turnResult = z.looseObject({ turn: z.looseObject({ id: z.string() }) });
export const steerResult = z.looseObject({ turnId: z.string() });
const errorInfo = z.union([z.string(), z.record(z.string(), z.unknown())]);
export const turnError = z.looseObject({ message: z.string(), codexErrorInfo: errorInfo.nullish() });
export const errorNotification = z.looseObject({
  threadId: z.string(),
  willRetry: z.boolean(),
  error: turnError.extend({ additionalDetails: z.string().nullish() }),
});
const usageWindow = z.looseObject({ usedPercent: z.number(), resetsAt: z.int().nullish() }).nullish();
/** `account/rateLimits/updated`; `resetsAt` in seconds since the epoch. */
export const rateLimitsUpdated = z.looseObject({
  rateLimits: z.looseObject({ primary: usageWindow, secondary: usageWindow }),
});
export type TurnError = z.infer<typeof turnError>;

const turn = z.looseObject({
  id: z.string(),
  status: z.enum(['completed', 'interrupted', 'failed', 'inProgress']),
  error: turnError.nullish(),
});
export type Turn = z.infer<typeof turn>;

/** `turn/started` and `turn/completed`. */
export const turnNotification = z.looseObject({ threadId: z.string(), turn });

export const fileUpdate = z.looseObject({
  path: z.string(),
  kind: z.looseObject({ type: z.string(), move_path: z.string().nullish() }),
});
export type FileUpdate = z.infer<typeof fileUpdate>;

const commandItem = z.looseObject({
  type: z.literal('commandExecution'),
  id: z.string(),
  aggregatedOutput: z.string().nullish(),
});
const messageItem = z.looseObject({
  type: z.literal('agentMessage'),
  id: z.string(),
  text: z.string(),
  phase: z.string().nullish(),
});
const fileChangeItem = z.looseObject({
  type: z.literal('fileChange'),
  id: z.string(),
  changes: z.array(fileUpdate),
});
const knownItem = z.discriminatedUnion('type', [commandItem, messageItem, fileChangeItem]);
export type KnownItem = z.infer<typeof knownItem>;

/** `item/started` and `item/completed`; `known` is undefined for kinds that need nothing done. */
export const itemNotification = z
  .looseObject({ threadId: z.string(), item: z.looseObject({ type: z.string(), id: z.string() }) })
  .transform((params) => ({ ...params, known: knownItem.safeParse(params.item).data }));

export const outputDelta = z.looseObject({ itemId: z.string(), delta: z.string() });
export const diffUpdated = z.looseObject({ threadId: z.string(), diff: z.string() });

const tokens = z.looseObject({
  totalTokens: z.int(),
  inputTokens: z.int(),
  cachedInputTokens: z.int(),
  outputTokens: z.int(),
  reasoningOutputTokens: z.int(),
});
export const tokenUsageUpdated = z.looseObject({
  threadId: z.string(),
  turnId: z.string(),
  tokenUsage: z.looseObject({ total: tokens, last: tokens }),
});

export const commandApproval = z.looseObject({
  itemId: z.string(),
  kind: z.string().default('command'),
  command: z.string().nullish(),
  cwd: z.string().nullish(),
  /** Set where the command asks for more than the sandbox gives. */
  reason: z.string().nullish(),
  networkApprovalContext: z.unknown().optional(),
  additionalPermissions: z.unknown().optional(),
});
export type CommandApproval = z.infer<typeof commandApproval>;

export const fileChangeApproval = z.looseObject({
  itemId: z.string(),
  reason: z.string().nullish(),
  grantRoot: z.string().nullish(),
});
export type FileChangeApproval = z.infer<typeof fileChangeApproval>;
