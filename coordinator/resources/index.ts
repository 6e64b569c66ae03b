import type { ResourceContent, ResourceSource } from '../../mcp/resources.ts';
import type { HandlerDeps } from '../handlers/deps.ts';
import { handleResources } from './handles.ts';
import type { ResourceKind } from './kind.ts';
import { runResources } from './runs.ts';

const pageSize = 50;

/** Everything of the fleet that has a URI. Another kind is one file beside this and one line in the list. */
export function fleetResources(deps: HandlerDeps): ResourceSource {
  return joinKinds([runResources(deps), handleResources(deps)], (runId, contents) => {
    deps.told.add([{ run_ids: [runId], text: JSON.stringify(contents) }]);
  });
}

/** Kinds one after the other; a cursor is the URI of the last entry told. `told`: what of a run was read. */
export function joinKinds(
  kinds: readonly ResourceKind[],
  told: (runId: string, contents: readonly ResourceContent[]) => void,
): ResourceSource {
  function find(uri: string): { kind: ResourceKind; rest: string } | undefined {
    const kind = kinds.find(({ prefix }) => uri.startsWith(prefix));
    return kind && { kind, rest: uri.slice(kind.prefix.length) };
  }
  return {
    templates: kinds.map(({ template }) => template),
    async list(cursor, owner) {
      const at = cursor === undefined ? 0 : kinds.findIndex(({ prefix }) => cursor.startsWith(prefix));
      if (at < 0) return undefined;
      const resources = [];
      for (const [offset, kind] of kinds.slice(at).entries()) {
        const after = offset === 0 ? cursor : undefined;
        // One more than fits, to see whether there are more.
        resources.push(...(await kind.list(owner, after, pageSize + 1 - resources.length)));
        if (resources.length > pageSize) break;
      }
      const page = resources.slice(0, pageSize);
      const last = resources.length > pageSize ? page.at(-1) : undefined;
      return { resources: page, ...(last !== undefined && { nextCursor: last.uri }) };
    },
    async read(uri, owner) {
      const found = find(uri);
      const read = await found?.kind.read(found.rest, owner);
      if (read === undefined) return undefined;
      const contents = read.contents.map((content) => ({ uri, ...content }));
      told(read.run_id, contents);
      return contents;
    },
    async watch(uri, owner, changed) {
      const found = find(uri);
      return found?.kind.watch(found.rest, owner, changed);
    },
  };
}

/** The same before what is behind it is ready. */
export function gateResources(
  templates: ResourceSource['templates'],
  ready: Promise<ResourceSource>,
): ResourceSource {
  ready.catch(() => undefined);
  return {
    templates,
    list: async (cursor, owner) => (await ready).list(cursor, owner),
    read: async (uri, owner) => (await ready).read(uri, owner),
    watch: async (uri, owner, changed) => (await ready).watch(uri, owner, changed),
  };
}
