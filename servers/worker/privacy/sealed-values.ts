import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Replaced } from '../../../core/privacy/surrogate-guard.ts';
import { parseJson } from '../../../core/parse-json.ts';
import { failpoint } from '../../../platform/failpoint.ts';
import { createSealer, type Sealer } from '../../../platform/privacy/sealing.ts';
import { sealedValue, type SealedValue } from '../../../schemas/privacy.ts';
import { valuesFile } from './sealed-files.ts';

/** What the surrogates of a run stand for, for its coordinator alone to read: kept until that has fetched it. */
export interface SealedValues {
  /** On disk when it returns; throws where the disk refuses. Nothing happens where nobody could open it. */
  add(replaced: Replaced): void;
  readonly count: number;
}

/** For whom, and of which task. */
export interface Recipient {
  task_id: string;
  publicKey: () => Uint8Array | undefined;
}

export function openSealedValues(dir: string, runId: string, recipient: Recipient): SealedValues {
  const file = valuesFile(dir, runId);
  let sealer: { for: Uint8Array; by: Sealer } | undefined;
  let known: number | undefined;
  const count = (): number => (known ??= wholeLines(file));
  return {
    get count() {
      return count();
    },
    add({ surrogate, type, raw }) {
      const publicKey = recipient.publicKey();
      if (publicKey === undefined) return;
      if (count() === 0) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      if (sealer?.for !== publicKey) sealer = { for: publicKey, by: createSealer(publicKey) };
      const { by } = sealer;
      const box = by.seal(raw, `${recipient.task_id}|${surrogate}`).toString('base64');
      const sealed: SealedValue = { surrogate, type, ephemeral: by.ephemeral.toString('base64'), box };
      const line = `${JSON.stringify(sealed)}\n`;
      const append = (part: string): void => {
        appendFileSync(file, part, { mode: 0o600 });
      };
      failpoint('sealed.value.before');
      failpoint('sealed.value.torn', () => {
        append(line.slice(0, line.length / 2));
      });
      append(line);
      failpoint('sealed.value.after');
      known = count() + 1;
    },
  };
}

export interface SealedValuesReader {
  /** The values of a run from one on, `most` of them. */
  read(runId: string, from: number, most: number): { values: SealedValue[]; more: boolean };
  remove(runId: string): void;
}

const pageBytes = 256 * 1024;

/** Pages that follow each other are each read once, however long the file is. */
export function createSealedValuesReader(dir: string): SealedValuesReader {
  /** Where the next value begins behind the last page, by run. */
  const ends = new Map<string, { value: number; byte: number }>();
  return {
    read(runId, from, most) {
      const known = ends.get(runId);
      let at = known?.value === from ? known : { value: 0, byte: 0 };
      const lines: string[] = [];
      let more = false;
      for (const { line, end } of linesFrom(valuesFile(dir, runId), at.byte)) {
        more = lines.length === most;
        if (more) break;
        if (at.value >= from) lines.push(line);
        at = { value: at.value + 1, byte: end };
      }
      if (more) ends.set(runId, at);
      else ends.delete(runId);
      const values = lines
        .map((line) => sealedValue.safeParse(parseJson(line)))
        .flatMap((parsed) => (parsed.success ? [parsed.data] : []));
      return { values, more };
    },
    remove: (runId) => {
      ends.delete(runId);
      rmSync(valuesFile(dir, runId), { force: true });
    },
  };
}

/** Whole lines, and the byte behind each. A last one without an end was never written whole. */
function* linesFrom(file: string, from: number): Generator<{ line: string; end: number }> {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return;
  }
  try {
    let rest = Buffer.alloc(0);
    let at = from;
    for (let read = from; ;) {
      const page = Buffer.alloc(pageBytes);
      const bytes = readSync(fd, page, 0, page.length, read);
      if (bytes === 0) return;
      read += bytes;
      rest = Buffer.concat([rest, page.subarray(0, bytes)]);
      for (let stop = rest.indexOf(10); stop !== -1; stop = rest.indexOf(10)) {
        at += stop + 1;
        yield { line: rest.subarray(0, stop).toString(), end: at };
        rest = rest.subarray(stop + 1);
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** How many there are. What a process that died left of one is taken away: the next would be lost behind it. */
function wholeLines(file: string): number {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return 0;
  }
  const end = bytes.lastIndexOf(10) + 1;
  if (end < bytes.length) truncateSync(file, end);
  return bytes.toString('latin1').split('\n').length - 1;
}
