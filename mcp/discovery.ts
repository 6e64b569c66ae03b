import { tasksExtension } from './tasks.ts';

/** The revision of MCP that has no handshake: every request says its version and capabilities itself. */
export const statelessVersion = '2026-07-28';
/** What the keys of that revision's `_meta` begin with. */
export const metaPrefix = 'io.modelcontextprotocol/';

export interface ServerFacts {
  serverInfo: { name: string; version: string };
  capabilities: Record<string, unknown>;
  instructions: string;
  offersTasks: boolean;
}

/** The answer to `server/discover`. Free of the SDK: the bridge gives it before anything else is loaded. */
export function discovery({ serverInfo, capabilities, instructions, offersTasks }: ServerFacts) {
  return {
    resultType: 'complete',
    supportedVersions: [statelessVersion],
    capabilities: { ...capabilities, ...(offersTasks && { extensions: { [tasksExtension]: {} } }) },
    instructions,
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [`${metaPrefix}serverInfo`]: serverInfo },
  };
}
