import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Asked, Connection } from './handlers.ts';
import { isRecord } from './json-rpc.ts';

/** A person may take their time; the longest a timer of Node can be set to, 24.8 days. */
const patienceMs = 2_147_483_647;
const maxMessageLength = 2_000;
const fastestPersonMs = 250;

/**
 * What a handler may do with the connection a call came by, beyond answering it. `declared`: what the
 * client said of itself in `initialize`; a client that begins without it cannot be asked anything.
 */
export function connectionOf(server: Server, declared: () => unknown, clientName: () => string): Connection {
  return {
    get ask() {
      if (!offersForms(declared())) return undefined;
      return async (message: string, signal: AbortSignal) => {
        const askedMs = performance.now();
        const said = await elicit(server, message, signal);
        const tookMs = performance.now() - askedMs;
        return isNobodys(clientName(), said, tookMs) ? 'cancel' : said;
      };
    },
  };
}

/**
 * `codex exec` declares dialogs and declines each at once (0.169): nobody was asked, and its model may
 * still answer. A person at the Codex that shows them takes longer.
 */
function isNobodys(client: string, said: Asked, tookMs: number): boolean {
  return client === 'codex-mcp-client' && said === 'decline' && tookMs < fastestPersonMs;
}

/** An empty `elicitation` stands for forms (MCP 2025-06-18 knew no other kind). */
export function offersForms(capabilities: unknown): boolean {
  const elicitation = isRecord(capabilities) ? capabilities['elicitation'] : undefined;
  return isRecord(elicitation) && ('form' in elicitation || Object.keys(elicitation).length === 0);
}

/** Accepting or declining is the whole answer, so the form has no fields. */
async function elicit(server: Server, message: string, signal: AbortSignal): Promise<Asked> {
  const params = {
    message: message.slice(0, maxMessageLength),
    requestedSchema: { type: 'object', properties: {} },
  };
  const options = { signal, timeout: patienceMs };
  const { action } = await server.request(
    { method: 'elicitation/create', params },
    ElicitResultSchema,
    options,
  );
  return action;
}
