import { FleetError } from '../../../../core/errors.ts';
import { jsonBytes } from '../../../../core/json-bytes.ts';
import type { Input, Output } from '../../../../mcp/handlers.ts';
import type { HandleRecord } from '../../../../schemas/handle.ts';
import {
  maxPageBytes,
  maxReplyBytes,
  type RunContracts,
  type WorkerContracts,
} from '../../../../schemas/tools.ts';
import type { Content } from './content.ts';
import type { Pace } from '../../../../platform/pace.ts';

export type ReadInput = Input<WorkerContracts['read_handle']>;
export type ReadOutput = Output<RunContracts['read_handle']>;

/** What the modes that look into a content are given. */
export interface ReadCall {
  input: ReadInput;
  runId: string;
  content: Content;
  pace: Pace;
}

/** What a mode found, without what every reply says of the handle. */
export interface Found {
  text: string;
  /** The stretch of content this answer is about. */
  from: number;
  to: number;
  fromLine?: number;
  toLine?: number;
  hits?: number;
  /** Where to go on; missing where nothing is left. */
  cursor?: string | undefined;
  /** The next call where no cursor says it. */
  next?: string;
}

export const allOfIt = 'That is all of it.';

/** What every field of a reply but text and next takes at most. */
const reservedBytes = 1024;
/** The longest `next` that is written out. */
const maxNextBytes = 3 * 1024;

/** Bytes of JSON a text may take: those of an ordinary reply unless the caller says how much it wants. */
export function textBudget({ input }: ReadCall): number {
  const whole = input.count === undefined ? maxReplyBytes : maxPageBytes;
  return whole - reservedBytes - Math.min(maxNextBytes, jsonBytes(againWith(input, {}))) - 128;
}

export function reply({ input, runId, content }: ReadCall, found: Found): ReadOutput {
  const { record } = content;
  const { fromLine, toLine, hits, cursor } = found;
  return {
    ...describe(record, runId),
    text: found.text,
    encoding: 'utf8',
    from_byte: found.from,
    to_byte: found.to,
    ...(fromLine === undefined ? {} : { from_line: fromLine }),
    ...(toLine === undefined ? {} : { to_line: toLine }),
    ...(hits === undefined ? {} : { hits }),
    ...(cursor === undefined ? {} : { cursor }),
    next: cursor === undefined ? (found.next ?? allOfIt) : againWith(input, { cursor }),
  };
}

function describe(
  record: HandleRecord,
  runId: string,
): Pick<
  ReadOutput,
  'handle_id' | 'run_id' | 'stream' | 'bytes' | 'lines' | 'sealed' | 'truncated' | 'sha256'
> {
  return {
    handle_id: record.handle_id,
    run_id: runId,
    stream: record.stream,
    bytes: record.bytes,
    lines: record.lines,
    sealed: record.state === 'sealed',
    truncated: record.truncated,
    ...(record.sha256 === undefined ? {} : { sha256: record.sha256 }),
  };
}

/** The same call with other fields. */
export function againWith(input: ReadInput, change: Partial<ReadInput>): string {
  const call = `read_handle ${JSON.stringify({ ...input, ...change })}`;
  return jsonBytes(call) <= maxNextBytes ? call : `The same call with ${JSON.stringify(change)}`;
}

/** A call of its own about the same handle. */
export function callOn(input: ReadInput, fields: Partial<ReadInput>): string {
  return `read_handle ${JSON.stringify({ handle_id: input.handle_id, ...fields })}`;
}

export function badCursor(): FleetError {
  return new FleetError('INVALID_INPUT', '"cursor" is none that this mode gave.', {
    next: 'Give back the cursor of the last reply unchanged, or leave it out to begin.',
  });
}
