import { createAnchors, eachAnchor, firstAnchor, type Anchors } from './anchors.ts';
import { decoded, firstBase64 } from './base64.ts';
import type { Detector, Found } from './detectors/detector.ts';
import { curlUserDetector } from './detectors/curl-user.ts';
import { emailDetector } from './detectors/email.ts';
import { hostDetector } from './detectors/host.ts';
import { ipDetector } from './detectors/ip.ts';
import { knownValuesDetector, type KnownValue } from './detectors/known-values.ts';
import { pemDetector } from './detectors/pem.ts';
import { personFieldDetector } from './detectors/person-fields.ts';
import { personHeaderDetector } from './detectors/person-headers.ts';
import { personProseDetector } from './detectors/person-prose.ts';
import { phoneDetector } from './detectors/phone.ts';
import { assignmentDetector } from './detectors/secret-assignment.ts';
import { surrogateShapeDetector } from './detectors/surrogate-shapes.ts';
import {
  botTokenDetector,
  jwtDetector,
  markedTokenDetector,
  tokenDetector,
} from './detectors/secret-token.ts';
import { urlCredentialsDetector } from './detectors/url-credentials.ts';
import { decodedView } from './encodings.ts';
import type { Finding, PrivateType } from './finding.ts';
import { nameCells, type Table } from './table.ts';
import { latin1, rawRange, utf8Of, type View } from './view.ts';

/** The detectors of some types, compiled; shared by all guards that look for the same. */
export interface Detection {
  /** The first place at or after `from` whose line has to be looked at closely, for what stands there; -1 for none up to `to`. */
  anchorFrom(bytes: Uint8Array, from: number, to: number): number;
  /** The same for what may be base64 of text. */
  base64From(bytes: Uint8Array, from: number, to: number): number;
  /** All findings in a stretch of whole lines, in order, without overlaps. `joins` are line ends to read over. */
  findings(bytes: Uint8Array, joins?: readonly number[], table?: Table): Finding[];
}

const detectorsOf: Readonly<Record<PrivateType, readonly Detector[]>> = {
  EMAIL: [emailDetector],
  PHONE: [phoneDetector],
  PERSON: [personHeaderDetector, personFieldDetector, personProseDetector],
  SECRET: [
    pemDetector,
    jwtDetector,
    tokenDetector,
    markedTokenDetector,
    botTokenDetector,
    urlCredentialsDetector,
    curlUserDetector,
    assignmentDetector,
  ],
  IP: [ipDetector],
  HOST: [hostDetector],
};

export function createDetection(
  types: readonly PrivateType[],
  knownValues: readonly KnownValue[],
): Detection {
  const known = knownValues.length === 0 ? [] : [knownValuesDetector(knownValues)];
  const anchors = createAnchors([
    surrogateShapeDetector,
    ...known,
    ...types.flatMap((type) => detectorsOf[type]),
  ]);
  return {
    anchorFrom: (bytes, from, to) => firstAnchor(anchors, bytes, from, to),
    base64From: (bytes, from, to) => firstBase64(bytes, from, to)?.start ?? -1,
    findings(bytes, joins, table) {
      const view = decodedView(bytes, joins);
      const found = foundIn(view, anchors);
      found.push(...inBase64(view, anchors));
      if (table !== undefined && types.includes('PERSON')) found.push(...nameCells(table, view.text));
      return apart(found, view.text.length).map((one) => finding(one, view, bytes));
    },
  };
}

interface Placed extends Found {
  encoding?: 'base64';
}

function foundIn(view: View, anchors: Anchors): Placed[] {
  const found: Found[] = [];
  eachAnchor(anchors, view.bytes, (detector, start, end) => {
    const answer = detector.find(view, start, end);
    if (answer === undefined) return;
    if ('type' in answer) found.push(answer);
    else found.push(...answer);
  });
  return found;
}

/** What is in base64, as the groups of four characters that hold it. */
function inBase64(view: View, anchors: Anchors): Placed[] {
  const found: Placed[] = [];
  for (
    let run = firstBase64(view.bytes, 0, view.bytes.length);
    run !== undefined;
    run = firstBase64(view.bytes, run.end, view.bytes.length)
  ) {
    const content = decodedView(decoded(view.bytes, run.start, run.end));
    for (const inner of apart(foundIn(content, anchors), content.text.length)) {
      const { start, end } = rawRange(content, inner.start, inner.end);
      found.push({
        ...inner,
        value: inner.value ?? content.text.slice(inner.start, inner.end),
        start: run.start + Math.floor(start / 3) * 4,
        end: Math.min(run.end, run.start + Math.ceil(end / 3) * 4),
        encoding: 'base64',
      });
    }
  }
  return found;
}

/** Of findings that overlap, the one of the higher rank, then the longer one, then the earlier one. */
function apart(found: Placed[], length: number): Placed[] {
  if (found.length < 2) return found;
  const ranked = found.sort(
    (a, b) => b.rank - a.rank || b.end - b.start - (a.end - a.start) || a.start - b.start,
  );
  const kept = ranked.length <= mostCompared ? notMeeting(ranked) : notTaken(ranked, length);
  return kept.sort((a, b) => a.start - b.start);
}

/** So few are compared with each other; of more, what each takes is marked. */
const mostCompared = 24;

function notMeeting(ranked: readonly Placed[]): Placed[] {
  const kept: Placed[] = [];
  for (const one of ranked) {
    let isFree = true;
    for (const other of kept) if (one.start < other.end && other.start < one.end) isFree = false;
    if (isFree) kept.push(one);
  }
  return kept;
}

function notTaken(ranked: readonly Placed[], length: number): Placed[] {
  const taken = new Uint8Array(length);
  return ranked.filter(({ start, end }) => {
    for (let at = start; at < end; at += 1) if (taken[at] === 1) return false;
    taken.fill(1, start, end);
    return true;
  });
}

function finding(found: Placed, view: View, bytes: Uint8Array): Finding {
  const { start, end, encoding } = rawRange(view, found.start, found.end);
  const raw =
    view.origin === undefined && found.encoding === undefined
      ? view.text.slice(start, end)
      : latin1(bytes.subarray(start, end));
  const text = utf8Of(raw);
  const value = found.value ?? view.text.slice(found.start, found.end);
  return {
    type: found.type,
    start,
    end,
    value: spelled(found.type, utf8Of(value) ?? value),
    raw: text ?? raw,
    latin1: text === undefined,
    encoding: found.encoding ?? encoding,
  };
}

/** One spelling for names that differ only in how their characters and blanks are written. */
function spelled(type: Finding['type'], value: string): string {
  return type === 'PERSON' ? value.normalize('NFC').replace(/\s+/g, ' ') : value;
}
