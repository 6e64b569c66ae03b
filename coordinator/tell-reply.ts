import { partsOfReply } from '../core/told-parts.ts';
import type { Replied } from '../mcp/build-server.ts';
import { isRecord } from '../mcp/json-rpc.ts';
import { cliClientName } from '../schemas/server-info.ts';
import type { Told } from './told.ts';

/** Notes what a tool's reply tells an agent. Our commands show a person what they are answered; no model reads that. */
export function tellReply(told: Told, { input, output, result, client }: Replied): void {
  if (client.name === cliClientName) return;
  const { content, structuredContent } = result;
  // For a client that knows of no structured content the text is all of it, and no more than that.
  const beside = structuredContent === undefined ? [] : content;
  told.add(partsOfReply({ named: namedIn(input), output, beside }), result);
}

function namedIn(input: unknown): string[] {
  const ids = isRecord(input) ? input['run_ids'] : undefined;
  return Array.isArray(ids) ? ids.filter((id: unknown) => typeof id === 'string') : [];
}
