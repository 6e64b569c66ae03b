import { covers } from '../../core/owners.ts';
import { jsonBytes } from '../../core/json-bytes.ts';
import { sanitize } from '../../core/sanitize.ts';
import type { Call, Output } from '../../mcp/handlers.ts';
import type { ResourceContent, ResourceEntry } from '../../mcp/resources.ts';
import { handlePrefix } from '../../schemas/handle.ts';
import { handleId as handleIdSchema } from '../../schemas/ids.ts';
import { maxPageBytes, type FleetContracts } from '../../schemas/tools.ts';
import type { HandlerDeps } from '../handlers/deps.ts';
import { lookUpHandle } from '../handlers/find-handle.ts';
import { readHandle } from '../handlers/read-handle.ts';
import type { RunRecord } from '../store/run-store.ts';
import type { ResourceKind } from './kind.ts';
import { handleTemplate } from './templates.ts';

type Page = Output<FleetContracts['read_handle']>;

/** Bytes of a page, and of one whose characters mostly have to be shown in other ways. */
const pageBytes = 24_000;
const escapedBytes = 4_000;
const base64Bytes = 18_000;
/** What stands around the text of a content. */
const reservedBytes = 1_500;

/** `hdl_…`, and where to begin. */
const place = /^(hdl_[A-Za-z0-9_-]{21})(?:\?(line|byte)=(\d{1,15}))?$/;

/**
 * Handles as resources, read a page at a time; what comes next is named by a second content. Listed
 * are those of runs that have not ended, run by run.
 */
export function handleResources(deps: HandlerDeps): ResourceKind {
  const { store, changes, news } = deps;
  const readPage = readHandle(deps);

  async function open(runs: readonly string[]): Promise<RunRecord[]> {
    const found = await Promise.all(runs.map((runId) => store.get(runId)));
    return found.filter((run) => run !== undefined);
  }
  return {
    template: handleTemplate,
    prefix: handlePrefix,
    async read(rest, owner) {
      const [, id = '', unit = 'byte', from = '0'] = place.exec(rest) ?? [];
      const found = handleIdSchema.safeParse(id).success ? await lookUpHandle(deps, id, owner) : undefined;
      if (found === undefined) return undefined;
      const call = callOf(owner);
      let start = Number(from);
      if (unit === 'line') {
        start = (await readPage({ handle_id: id, mode: 'lines', from: Math.max(1, start), count: 1 }, call))
          .from_byte;
      }
      const bytes = async (count: number, encoding: 'utf8' | 'base64'): Promise<Page> =>
        readPage({ handle_id: id, mode: 'bytes', from: start, count, encoding }, call);
      return { run_id: found.run_id, contents: await contentsOf(found.handle.media_type, bytes) };
    },
    async watch(rest, owner, changed) {
      const found = await lookUpHandle(deps, place.exec(rest)?.[1] ?? '', owner);
      if (found === undefined) return undefined;
      return news.watch((runs) => {
        if (runs.length === 0 || runs.some((run) => run.run_id === found.run_id)) changed();
      });
    },
    async list(owner, after, limit) {
      const last = after === undefined ? undefined : after.slice(handlePrefix.length);
      const lastRun = last === undefined ? '' : ((await store.findHandle(last))?.run_id ?? '');
      const ids = [...changes.open].flatMap(([runId, run]) =>
        covers(owner, run.owner) && runId >= lastRun ? [runId] : [],
      );
      const entries: ResourceEntry[] = [];
      for (let at = 0, sorted = ids.sort(); at < sorted.length && entries.length < limit; at += limit) {
        for (const run of await open(sorted.slice(at, at + limit))) entries.push(...entriesOf(run));
        const told = entries.findIndex(({ uri }) => uri === after);
        if (told >= 0) entries.splice(0, told + 1);
      }
      return entries.slice(0, limit);
    },
  };
}

async function contentsOf(
  mimeType: string,
  bytes: (count: number, encoding: 'utf8' | 'base64') => Promise<Page>,
): Promise<ResourceContent[]> {
  let page = await bytes(pageBytes, 'utf8');
  if (!mimeType.startsWith('text/') && page.text.includes('\ufffd')) {
    page = await bytes(base64Bytes, 'base64');
    return [{ mimeType, blob: page.text }, ...goesOn(page)];
  }
  if (jsonBytes(sanitize(page.text)) > maxPageBytes - reservedBytes) page = await bytes(escapedBytes, 'utf8');
  return [{ mimeType, text: sanitize(page.text) }, ...goesOn(page)];
}

function goesOn({ handle_id: id, to_byte: to, bytes, sealed }: Page): ResourceContent[] {
  if (to >= bytes && sealed) return [];
  const uri = `${handlePrefix}${id}?byte=${String(to)}`;
  const left = to < bytes ? `${String(bytes - to)} bytes more` : 'It is still being written';
  return [{ uri, mimeType: 'text/plain', text: `${left}: read ${uri}` }];
}

function entriesOf({ run_id: runId, spec, handles }: RunRecord): ResourceEntry[] {
  return handles.map(({ handle_id: id, stream, name, media_type: mimeType, bytes }) => ({
    uri: `${handlePrefix}${id}`,
    name: sanitize(name ?? stream),
    title: sanitize(`${name ?? stream} of ${spec.label ?? runId}`),
    mimeType: sanitize(mimeType),
    size: bytes,
  }));
}

function callOf(owner: string): Call {
  const { signal } = new AbortController();
  const client = { name: 'resources', version: '' };
  return { owner, signal, client, callId: undefined, cwd: undefined, depth: undefined };
}
