import type { z } from 'zod';
import type { HandleRecord } from '../../schemas/handle.ts';
import { maxPageBytes, maxReplyBytes, type RunContracts } from '../../schemas/tools.ts';
import { FleetError } from '../errors.ts';
import { jsonBytes } from '../json-bytes.ts';
import { sanitize } from '../sanitize.ts';

type Input = z.output<RunContracts['read_handle']['input']>;
type Reply = z.input<RunContracts['read_handle']['output']>;
type File = Pick<HandleRecord, 'handle_id' | 'stream' | 'stage' | 'name' | 'state'>;

interface GrepPerFile {
  input: Input;
  /** The handle that was named: the search goes through all of its run. */
  record: HandleRecord;
  runId: string;
  files: readonly File[];
  mayGoOn: () => boolean;
  /** Milliseconds left. */
  leftMs: () => number;
  /** Counts in one handle. */
  read: (ask: Input) => Promise<FileCount>;
}

/** What every field of a reply but its text takes at most. */
const reservedBytes = 2048;
const leastMs = 100;

/** Answers `grep` with `pick: "per-file"`: a count for each handle of a run. */
export async function grepPerFile({ input, record, runId, files, ...rest }: GrepPerFile): Promise<Reply> {
  const { pattern, cursor, count } = input;
  const found = await countPerFile({
    files,
    cursor,
    count,
    budget: (count === undefined ? maxReplyBytes : maxPageBytes) - reservedBytes - jsonBytes(pattern ?? ''),
    mayGoOn: rest.mayGoOn,
    countIn: ({ handle_id: id, state }, within) =>
      rest.read({
        handle_id: id,
        mode: 'grep',
        pattern,
        pick: 'count',
        cursor: within,
        // A growing handle without a hit would be waited for.
        wait_ms:
          input.wait_ms === undefined || state === 'open'
            ? undefined
            : Math.max(leastMs, Math.floor(rest.leftMs())),
      }),
  });
  const { handle_id: id, stream, bytes, lines, state, truncated } = record;
  const again = `read_handle ${JSON.stringify({ ...input, cursor: found.cursor })}`;
  return {
    handle_id: id,
    run_id: runId,
    stream,
    text: found.text,
    encoding: 'utf8',
    from_byte: 0,
    to_byte: bytes,
    bytes,
    lines,
    sealed: state === 'sealed',
    truncated,
    hits: found.hits,
    ...(found.cursor !== undefined && { cursor: found.cursor }),
    next: found.cursor === undefined ? 'That is all of it.' : again,
  };
}

/** What a count of one handle answered; `cursor` where it has not come to its end. */
interface FileCount {
  hits?: number | undefined;
  cursor?: string | undefined;
}

interface CountsPerFile {
  /** A line for each handle: how many lines match, which handle, what it is. */
  text: string;
  /** In the handles told. */
  hits: number;
  files: number;
  cursor: string | undefined;
}

interface PerFileOptions {
  files: readonly File[];
  cursor: string | undefined;
  /** At most so many handles. */
  count: number | undefined;
  /** Bytes of JSON the text may take. */
  budget: number;
  mayGoOn: () => boolean;
  /** Counts in one handle, from the beginning or where a cursor says. */
  countIn: (file: File, cursor: string | undefined) => Promise<FileCount>;
}

/** The handle to go on with, from 0, and the place in it. */
const place = /^f(\d{1,6})(?::([a-z]\d{1,15}))?$/;

/**
 * How many lines match in each handle, as `grep -c` tells it of files. A handle the time did not suffice
 * for shows `12+` and begins the next page, which counts the rest; one nobody can be asked for shows `?`.
 * INVALID_INPUT for a cursor that is none.
 */
async function countPerFile(options: PerFileOptions): Promise<CountsPerFile> {
  const { files, count = Infinity, budget, mayGoOn } = options;
  const start = startOf(options.cursor);
  const told: CountsPerFile = { text: '', hits: 0, files: 0, cursor: undefined };
  let { within } = start;
  let left = budget;
  for (let at = start.file; at < files.length; at += 1) {
    const file = files[at];
    if (file === undefined) break;
    const here = `f${String(at)}${within === undefined ? '' : `:${within}`}`;
    if (told.files > 0 && (told.files >= count || !mayGoOn())) return { ...told, cursor: here };
    const found = await answerOf(options, file, within);
    const line = lineOf(file, found);
    left -= jsonBytes(line);
    if (left < 0 && told.files > 0) return { ...told, cursor: here };
    told.text += line;
    told.hits += found?.hits ?? 0;
    told.files += 1;
    within = undefined;
    if (found?.cursor !== undefined) return { ...told, cursor: `f${String(at)}:${found.cursor}` };
  }
  return told;
}

async function answerOf(
  { countIn }: PerFileOptions,
  file: File,
  cursor: string | undefined,
): Promise<FileCount | undefined> {
  try {
    return await countIn(file, cursor);
  } catch (error) {
    if (error instanceof FleetError && error.code === 'WORKER_UNAVAILABLE') return undefined;
    throw error;
  }
}

function lineOf({ handle_id: id, stream, stage, name }: File, found: FileCount | undefined): string {
  const hits =
    found === undefined ? '?' : `${String(found.hits ?? 0)}${found.cursor === undefined ? '' : '+'}`;
  return `${hits} ${id} ${sanitize(name ?? `${stream} of ${stage}`).replaceAll('\n', ' ')}\n`;
}

function startOf(cursor: string | undefined): { file: number; within: string | undefined } {
  if (cursor === undefined) return { file: 0, within: undefined };
  const [, file, within] = place.exec(cursor) ?? [];
  if (file !== undefined) return { file: Number(file), within };
  throw new FleetError('INVALID_INPUT', '"cursor" is not one that this call gave.', {
    next: 'Leave it out to begin at the first handle.',
  });
}
