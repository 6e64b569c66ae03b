import { createServer, type ServerResponse } from 'node:http';
import { z } from 'zod';

export type Block = { text: string } | { tool: string; input: Record<string, unknown> };

/** A request of the main conversation, as the answering function sees it. */
export interface Turn {
  /** Answers the assistant gave before. */
  answers: number;
  /** The text of every tool result so far, oldest first. */
  results: string[];
  /** The text of the last user message. */
  said: string;
  tools: string[];
}

export interface ScriptedMessages {
  url: string;
  turns: readonly Turn[];
  /** Paths asked for that this endpoint does not have. */
  unknownPaths: readonly string[];
  close(): Promise<void>;
}

const part = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  content: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).optional(),
});
const body = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(part)]) })),
});
type Body = z.infer<typeof body>;
type Part = z.infer<typeof part>;

function partsOf(content: string | Part[]): Part[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function resultText({ content }: Part): string {
  if (content === undefined || typeof content === 'string') return content ?? '';
  return content.map(({ text }) => text ?? '').join('\n');
}

function turnOf({ messages, tools }: Body): Turn {
  const parts = messages.flatMap(({ role, content }) => partsOf(content).map((each) => ({ role, each })));
  const said = parts.findLast(({ role, each }) => role === 'user' && each.type === 'text');
  return {
    answers: messages.filter(({ role }) => role === 'assistant').length,
    results: parts.filter(({ each }) => each.type === 'tool_result').map(({ each }) => resultText(each)),
    said: said?.each.text ?? '',
    tools: (tools ?? []).map(({ name }) => name),
  };
}

let serial = 0;

function stream(response: ServerResponse, model: string, blocks: Block[]): void {
  serial += 1;
  const send = (type: string, data: Record<string, unknown>): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  const calls = blocks.some((block) => 'tool' in block);
  const usage = { input_tokens: 100, output_tokens: 10 };
  const message = {
    id: `msg_${String(serial)}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    usage,
  };
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  send('message_start', { message: { ...message, stop_reason: null, stop_sequence: null } });
  for (const [index, block] of blocks.entries()) {
    const id = `toolu_${String(serial)}_${String(index)}`;
    const start =
      'tool' in block ? { type: 'tool_use', id, name: block.tool, input: {} } : { type: 'text', text: '' };
    const delta =
      'tool' in block
        ? { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
        : { type: 'text_delta', text: block.text };
    send('content_block_start', { index, content_block: start });
    send('content_block_delta', { index, delta });
    send('content_block_stop', { index });
  }
  send('message_delta', {
    delta: { stop_reason: calls ? 'tool_use' : 'end_turn', stop_sequence: null },
    usage,
  });
  send('message_stop', {});
  response.end();
}

/**
 * A scripted Anthropic Messages endpoint on 127.0.0.1 for the real Claude Code. Requests without
 * tools are side questions of the client (titles, summaries) and get a plain "ok".
 */
export async function startScriptedMessages(answer: (turn: Turn) => Block[]): Promise<ScriptedMessages> {
  const turns: Turn[] = [];
  const unknownPaths: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const path = request.url?.split('?')[0] ?? '';
      if (path === '/v1/messages/count_tokens') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ input_tokens: Math.ceil(text.length / 4) }));
      } else if (path === '/v1/messages') {
        const parsed = body.parse(JSON.parse(text));
        const turn = turnOf(parsed);
        const main = turn.tools.length > 0;
        if (main) turns.push(turn);
        stream(response, parsed.model, main ? answer(turn) : [{ text: 'ok' }]);
      } else {
        unknownPaths.push(`${request.method ?? ''} ${path}`);
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end('{"type":"error","error":{"type":"not_found_error","message":"no such path"}}');
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    turns,
    unknownPaths,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
