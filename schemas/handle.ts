import { z } from 'zod';
import { handleId } from './ids.ts';

/** Streams of a run. Stages of one run share them, each stage under its own handle. */
export const streamNames = ['stdout', 'stderr', 'events', 'last_message', 'diff', 'artifact'] as const;
export const streamName = z.enum(streamNames);
export type StreamName = z.infer<typeof streamName>;

/** Of the URIs of handles as resources. */
export const handlePrefix = 'fleet://handles/';

/** A handle as a poll shows it. */
export const handleSummary = z.strictObject({
  handle_id: handleId,
  stream: streamName,
  /** Of an artifact: its path, from the folder the run works in. */
  name: z.string().optional(),
  stage: z.string().optional(),
  attempt: z.int().optional(),
  bytes: z.int().min(0),
  lines: z.int().min(0),
});
export type HandleSummary = z.infer<typeof handleSummary>;

/** Everything known of a handle. `sha256` (hex) stands once it is sealed. */
export const handleRecord = z.strictObject({
  handle_id: handleId,
  stream: streamName,
  /** Of an artifact, and of no other: its path, from the folder the run works in. */
  name: z.string().optional(),
  stage: z.string(),
  media_type: z.string(),
  state: z.enum(['open', 'sealed']),
  bytes: z.int().min(0),
  /** Newline characters, plus one where the last line has none. */
  lines: z.int().min(0),
  sha256: z.string().optional(),
  /** The stream went on but its end is not here: output cap, crash, or a cut inside the engine. */
  truncated: z.boolean(),
  /** Bytes of it that were stored already, by this or another run. */
  reused_bytes: z.int().min(1).optional(),
  created_at: z.int(),
  /** Of a run that has ended: until when it is kept at least, if nothing else asks for the room. */
  expires_at: z.int().optional(),
});
export type HandleRecord = z.infer<typeof handleRecord>;
