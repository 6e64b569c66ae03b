import { expect, it } from 'vitest';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { pollToEnd, realFleet } from './real-fleet.ts';

const contents = z.object({
  contents: z.array(
    z.object({
      uri: z.string(),
      mimeType: z.string(),
      text: z.string().optional(),
      blob: z.string().optional(),
    }),
  ),
});
const read = { params: z.looseObject({}), result: contents };

const work = `
const line = 'a line \\x1b[31mof colour\\x1b[0m \\u202e and more\\n';
process.stdout.write(line.repeat(3000));
require('fs').writeFileSync('made.bin', Buffer.from(Array.from({ length: 30000 }, (_, at) => at % 256)));
`;

it('a handle is read as a resource page by page, clean where it is text, as it is where it is not', async () => {
  const stage = { name: 'work', engine: 'command', argv: [process.execPath, '-e', work] };
  const real = await realFleet({ pipelines: { work: { read_only: true, stages: [stage] } } });
  onTestFinished(() => real.close());
  const peer = await real.up();
  const input = { pipeline: 'work', cwd: real.fleet.work, artifacts: ['made.bin'] };
  const { task_id: taskId } = await peer.call('start_run', input);
  const [run] = await pollToEnd(peer, taskId);
  const byStream = new Map(run?.handles?.map((handle) => [handle.stream, handle]));

  async function wholeOf(id: string | undefined) {
    const pages: z.infer<typeof contents>['contents'] = [];
    for (let uri: string | undefined = `fleet://handles/${id ?? ''}`; uri !== undefined;) {
      const reply: z.infer<typeof contents> = await peer.request('resources/read', read, { uri });
      expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(32 * 1024);
      const [page, next, ...others] = reply.contents;
      expect([page?.uri, others]).toEqual([uri, []]);
      if (page !== undefined) pages.push(page);
      expect(next?.text ?? '').toContain(next?.uri ?? '');
      uri = next?.uri;
    }
    return pages;
  }
  const printed = await wholeOf(byStream.get('stdout')?.handle_id);
  expect(printed.length).toBeGreaterThan(3);
  expect(printed.map(({ text }) => text).join('')).toBe('a line of colour <U+202E> and more\n'.repeat(3_000));

  const made = byStream.get('artifact');
  expect(made).toMatchObject({ name: 'made.bin', bytes: 30_000 });
  const parts = await wholeOf(made?.handle_id);
  const bytes = Buffer.concat(parts.map(({ blob = '' }) => Buffer.from(blob, 'base64')));
  expect(bytes).toEqual(Buffer.from(Array.from({ length: 30_000 }, (_, at) => at % 256)));

  const uri = `fleet://handles/${byStream.get('stdout')?.handle_id ?? ''}?line=2999`;
  const tail = await peer.request('resources/read', read, { uri });
  expect(tail.contents).toMatchObject([{ text: 'a line of colour <U+202E> and more\n'.repeat(2) }]);
}, 60_000);
