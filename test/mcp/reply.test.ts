import { describe, expect, it } from 'vitest';
import { success } from '../../mcp/reply.ts';
import { maxReplyBytes, runContracts } from '../../schemas/tools.ts';

const links = [1, 2, 3].map((at) => ({ uri: `fleet://handles/hdl_${String(at)}`, name: 'stdout', size: at }));
const context = { tool: 'poll_run', contract: runContracts.poll_run, links };

describe('links of a reply', () => {
  it.each(['2025-06-18', '2025-11-25', undefined])(
    'stand beside it for a client of %s',
    (protocolVersion) => {
      const { content, structuredContent } = success({}, { next: 'n' }, { ...context, protocolVersion });
      expect(structuredContent).toEqual({ next: 'n' });
      expect(content).toEqual([
        { type: 'text', text: 'n' },
        ...links.map((link) => ({ type: 'resource_link', ...link })),
      ]);
    },
  );

  it.each(['2024-11-05', '2025-03-26'])(
    'are none for a client of %s, which knows no such content',
    (version) => {
      const { content } = success({}, { next: 'n' }, { ...context, protocolVersion: version });
      expect(content).toEqual([{ type: 'text', text: '{"next":"n"}' }]);
    },
  );

  it('are left out where the reply has no room for them', () => {
    const fill = (room: number) => 'x'.repeat(maxReplyBytes - room - JSON.stringify({ next: '' }).length);
    for (const [room, shown] of [
      [0, 0],
      [90, 1],
      [1_000, 3],
    ] as const) {
      const { content } = success({}, { next: fill(room) }, { ...context, protocolVersion: '2025-06-18' });
      expect(content.filter(({ type }) => type === 'resource_link')).toHaveLength(shown);
    }
  });
});
