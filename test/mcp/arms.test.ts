import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { CallToolResultSchema, ListToolsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { errorBody } from '../../schemas/errors.ts';
import { arms, type Arm } from './support/arms.ts';
import { noteMethod, probeContracts, secretOfBug } from './support/probe.ts';

const toolFile = z.object({ fleet: z.array(z.unknown()), worker: z.array(z.unknown()) });
const root = join(import.meta.dirname, '..', '..');

interface Connected {
  client: Client;
  close: () => Promise<void>;
}

async function connectTo(arm: Arm): Promise<Connected> {
  const client = new Client({ name: 'arms', version: '9' });
  await client.connect(await arm.open());
  return { client, close: () => client.close() };
}

function textOf(result: z.infer<typeof CallToolResultSchema>): string {
  const [block] = result.content;
  return block?.type === 'text' ? block.text : '';
}

describe.each(arms)('over %s', (name, makeArm) => {
  let arm: Arm;
  let connection: Connected;

  beforeAll(async () => {
    arm = await makeArm('probe');
    connection = await connectTo(arm);
  });
  afterAll(async () => {
    await connection.close();
    await arm.close();
  });

  const call = async (name: string, args?: Record<string, unknown>, meta?: Record<string, unknown>) => {
    const params = { name, arguments: args, _meta: meta };
    return connection.client.request({ method: 'tools/call', params }, CallToolResultSchema);
  };
  const failureOf = async (name: string, args: Record<string, unknown>) => {
    const result = await call(name, args);
    expect(result.isError).toBe(true);
    expect(result).not.toHaveProperty('structuredContent');
    expect(textOf(result)).not.toContain('\n');
    return errorBody.parse(JSON.parse(textOf(result)));
  };

  it('lists the committed tools of the fleet', async () => {
    const fleet = await makeArm('fleet');
    const { client, close } = await connectTo(fleet);
    const { tools } = await client.request({ method: 'tools/list' }, ListToolsResultSchema);
    await close();
    await fleet.close();
    const committed = toolFile.parse(JSON.parse(await readFile(join(root, 'stubs', 'tools.json'), 'utf8')));
    expect(tools).toEqual(committed.fleet);
  });

  it('lists tools in the order of their contracts, every time the same', async () => {
    const list = () => connection.client.request({ method: 'tools/list' }, ListToolsResultSchema);
    const first = await list();
    expect(first.tools.map(({ name }) => name)).toEqual(Object.keys(probeContracts));
    expect(await list()).toEqual(first);
  });

  it('introduces itself', () => {
    expect(connection.client.getServerVersion()).toEqual({ name: 'probe', version: '1.2.3' });
    expect(connection.client.getInstructions()).toBe('A probe of the server layer.');
    expect(connection.client.getServerCapabilities()).toEqual({ tools: {} });
  });

  it('answers with structuredContent, and its next call as text', async () => {
    const result = await call('echo', { text: 'héllo', times: 2 });
    expect(result.structuredContent).toEqual({ text: 'héllohéllo', next: 'say it again' });
    expect(result.content).toEqual([{ type: 'text', text: 'say it again' }]);
    expect(result).not.toHaveProperty('isError');
  });

  it('takes a call without arguments for one without fields', async () => {
    expect((await call('describe_call')).structuredContent).toEqual({ owner: 'jane', client: 'arms' });
  });

  it('tells the handler who called, from where and under which id', async () => {
    const own = await call('describe_call', {}, { 'codex-fleet/call': { id: 'b1', cwd: '/home/jane' } });
    expect(own.structuredContent).toMatchObject({ call_id: 'b1' });
    // Whoever mounted a URL stands in no folder of this machine.
    const cwd = name === 'http' ? undefined : '/home/jane';
    expect((own.structuredContent ?? {})['cwd']).toBe(cwd);
    const claude = await call('describe_call', {}, { 'claudecode/toolUseId': 'toolu_1' });
    expect(claude.structuredContent).toMatchObject({ call_id: 'toolu_1' });
  });

  it.each([
    ['a wrong type', { text: 5 }, '"text" must be of type string.'],
    ['a missing field', {}, '"text" must be of type string.'],
    ['a bound', { text: 'a', times: 0 }, '"times" must be at least 1.'],
    [
      'an unknown field',
      { text: 'a', tmies: 2 },
      'Unknown field "tmies"; the fields are text, times, detail, nested.',
    ],
    [
      'a nested unknown field',
      { text: 'a', nested: [{ name: 'b' }, { name: 'c', nmae: 'd' }] },
      'Unknown field "nmae" in nested[1]; the fields are name.',
    ],
  ])('names the field for %s', async (_what, args, message) => {
    expect(await failureOf('echo', args)).toEqual({
      code: 'INVALID_INPUT',
      message,
      retryable: false,
      next: 'Correct the named field and call again.',
    });
  });

  it('names the tools there are for an unknown one', async () => {
    const { code, message, next } = await failureOf('ecoh', {});
    expect(code).toBe('INVALID_INPUT');
    expect(message).toBe('There is no tool "ecoh".');
    expect(next).toBe(`Call one of ${Object.keys(probeContracts).join(', ')}.`);
  });

  it('passes on what a handler has to say', async () => {
    const body = { code: 'NO_CAPACITY', message: 'No slot is free.', retryable: true, next: 'Wait.' };
    expect(await failureOf('fail', { how: 'fleet' })).toEqual(body);
  });

  it('gives a reference for a bug, and nothing else of it', async () => {
    const { code, message } = await failureOf('fail', { how: 'bug' });
    expect(code).toBe('INTERNAL');
    expect(message).toMatch(/^Something went wrong in fail \(reference [0-9a-f]{12}\)\.$/);
    expect(message).not.toContain(secretOfBug);
  });

  it('never sends a reply over its budget', async () => {
    const fits = await call('echo', { text: 'x'.repeat(1000), times: 8 });
    expect(fits).not.toHaveProperty('isError');
    expect((await failureOf('echo', { text: 'x'.repeat(1000), times: 9 })).code).toBe('INTERNAL');
    const detail = await call('echo', { text: 'x'.repeat(1000), times: 200, detail: true });
    expect(detail).not.toHaveProperty('isError');
    expect((await failureOf('echo', { text: 'x'.repeat(1000), times: 300, detail: true })).code).toBe(
      'INTERNAL',
    );
  });

  it('hands over notifications of our own', async () => {
    await connection.client.notification({ method: noteMethod, params: { values: { A: 'b' } } });
    expect((await call('await_notes', { count: 1 })).structuredContent).toEqual({
      notes: ['{"values":{"A":"b"}}'],
    });
  });

  it('aborts the handler of a cancelled call, and answers others meanwhile', async () => {
    const aborter = new AbortController();
    const params = { name: 'hang', arguments: {} };
    const hanging = connection.client.request({ method: 'tools/call', params }, CallToolResultSchema, {
      signal: aborter.signal,
    });
    const rejected = expect(hanging).rejects.toThrow(/stop/);
    await call('await_hanging', { count: 1 });
    aborter.abort(new Error('stop'));
    await rejected;
    expect((await call('await_aborted', { count: 1 })).structuredContent).toEqual({ count: 1 });
  });

  it('answers unknown methods by the protocol', async () => {
    const unknown = connection.client.request({ method: 'resources/list' }, z.unknown());
    await expect(unknown).rejects.toMatchObject({ code: -32_601 });
    const nameless = connection.client.request({ method: 'tools/call', params: {} }, z.unknown());
    await expect(nameless).rejects.toMatchObject({ code: -32_602 });
  });

  it('answers pings', async () => {
    expect(await connection.client.ping()).toEqual({});
  });
});
