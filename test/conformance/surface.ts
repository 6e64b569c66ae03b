import { setTimeout as delay } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  type CallToolResult,
  type ElicitRequestFormParams,
} from '@modelcontextprotocol/sdk/types.js';
import {
  defaultsForm,
  draft2020Tool,
  enumsForm,
  png,
  promptMessages,
  prompts,
  resourceContents,
  resources,
  wav,
} from './content.ts';

type Properties = ElicitRequestFormParams['requestedSchema']['properties'];
type Extra = Parameters<Parameters<Server['setRequestHandler']>[1]>[1];
interface Called {
  server: Server;
  args: Record<string, unknown>;
  extra: Extra;
}

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });

async function elicit(
  { server, extra }: Called,
  message: string,
  properties: Properties,
  required?: string[],
) {
  const requestedSchema = {
    type: 'object' as const,
    properties,
    ...(required === undefined ? {} : { required }),
  };
  const answer = await server.elicitInput(
    { mode: 'form', message, requestedSchema },
    { relatedRequestId: extra.requestId },
  );
  return text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content)}`);
}

const embedded = { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'Embedded text.' };
const string = { type: 'string' as const };

/** The tools the official suite calls, by name. */
const tools: Record<string, (called: Called) => Promise<CallToolResult> | CallToolResult> = {
  test_simple_text: () => text('A simple text.'),
  test_image_content: () => ({ content: [{ type: 'image', data: png, mimeType: 'image/png' }] }),
  test_audio_content: () => ({ content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }] }),
  test_embedded_resource: () => ({ content: [{ type: 'resource', resource: embedded }] }),
  test_multiple_content_types: () => ({
    content: [
      { type: 'text', text: 'Several kinds:' },
      { type: 'image', data: png, mimeType: 'image/png' },
      { type: 'resource', resource: embedded },
    ],
  }),
  test_error_handling: () => ({ ...text('This tool always fails.'), isError: true }),
  test_tool_with_logging: async ({ extra }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
      await delay(20);
    }
    return text('Logged.');
  },
  test_tool_with_progress: async ({ extra }) => {
    const progressToken = extra._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken === undefined) break;
      await extra.sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100 },
      });
      await delay(20);
    }
    return text('Done.');
  },
  test_sampling: async ({ server, args, extra }) => {
    const content = { type: 'text' as const, text: String(args['prompt']) };
    const answer = await server.createMessage(
      { messages: [{ role: 'user', content }], maxTokens: 100 },
      { relatedRequestId: extra.requestId },
    );
    return text(`LLM response: ${JSON.stringify(answer.content)}`);
  },
  test_elicitation: (called) =>
    elicit(called, String(called.args['message']), { username: string, email: string }, [
      'username',
      'email',
    ]),
  test_elicitation_sep1034_defaults: (called) => elicit(called, 'Defaults', defaultsForm),
  test_elicitation_sep1330_enums: (called) => elicit(called, 'Enumerations', enumsForm),
  [draft2020Tool.name]: () => text('ok'),
};

/** A server that has one of everything the official suite asks for, for the product's own HTTP stack. */
export function conformanceServer(): Server {
  const capabilities = {
    tools: {},
    prompts: {},
    resources: { subscribe: true },
    logging: {},
    completions: {},
  };
  const server = new Server({ name: 'conformance-surface', version: '1.0.0' }, { capabilities });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.keys(tools).map((name) =>
      name === draft2020Tool.name
        ? draft2020Tool
        : { name, description: name, inputSchema: { type: 'object' as const } },
    ),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    const tool = tools[params.name];
    if (tool === undefined) return { ...text(`There is no tool ${params.name}.`), isError: true };
    return tool({ server, args: params.arguments ?? {}, extra });
  });
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => {
    const messages = promptMessages(params.name, params.arguments ?? {});
    if (messages === undefined) throw new Error('no such prompt');
    return { messages };
  });
  server.setRequestHandler(CompleteRequestSchema, () => ({
    completion: { values: ['paris', 'park'], hasMore: false },
  }));
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: [
      { uriTemplate: 'test://template/{id}/data', name: 'template', mimeType: 'application/json' },
    ],
  }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => {
    const contents = resourceContents(params.uri);
    if (contents === undefined) throw new Error('no such resource');
    return { contents };
  });
  server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  return server;
}
