import type { ResourceContent, ResourceEntry, ResourceTemplate } from '../../mcp/resources.ts';

export interface FoundResource {
  /** The run it is of. */
  run_id: string;
  contents: ResourceContent[];
}

/** One kind of resource, told apart by the beginning of its URIs. */
export interface ResourceKind {
  readonly template: ResourceTemplate;
  readonly prefix: string;
  /** `rest`: the URI without the prefix. undefined where the owner has none such. */
  read(rest: string, owner: string): Promise<FoundResource | undefined>;
  /** Calls `changed` until what it answers is called; undefined as `read`. */
  watch(rest: string, owner: string, changed: () => void): Promise<(() => void) | undefined>;
  /** What is worth being shown in a list, in a stable order, after the entry with URI `after`. */
  list(owner: string, after: string | undefined, limit: number): Promise<ResourceEntry[]>;
}
