import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxLinks } from '../../core/result-links.ts';
import { isRecord } from '../../mcp/json-rpc.ts';
import { BridgeClient } from '../cli/bridge-client.ts';
import { createFleet, type TestFleet } from '../helpers/fleet.ts';

const runs = 50;
/** 5.1 MB. */
const numbers = 750_000;

let fleet: TestFleet;
let client: BridgeClient;
/** All that reached the parent. */
let bytes = 0;
let calls = 0;
const results: Record<string, unknown>[] = [];

async function call(name: string, input: unknown): Promise<Record<string, unknown>> {
  calls += 1;
  const id = `call-${String(calls)}`;
  client.send({ id, method: 'tools/call', params: { name, arguments: input } });
  const { result } = await client.answer(id);
  if (!isRecord(result) || !isRecord(result['structuredContent'])) {
    throw new Error(`${name} gave ${JSON.stringify(result)}`);
  }
  results.push(result);
  return result['structuredContent'];
}

const records = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];

const count = (value: unknown): number => (isRecord(value) ? Number(value['tokens']) : Number.NaN);
const handleOf = (runId = ''): unknown => records(told.get(runId)?.['handles'])[0]?.['handle_id'];

/** The last state told of every run. */
const told = new Map<string, Record<string, unknown>>();
/** The handle of which a page was read as a resource. */
let opened = '';

beforeAll(async () => {
  fleet = await createFleet({
    workers: { count: 2, slots: 4 },
    reaping: 'best_effort',
    commands: [{ argv: ['seq', '...'] }],
    pipelines: {
      numbers: {
        read_only: true,
        stages: [{ name: 'seq', engine: 'command', argv: ['seq', '1', String(numbers)] }],
      },
    },
  });
  client = new BridgeClient(fleet.stateDir, { cwd: fleet.work, env: fleet.env });
  client.child.stdout.on('data', (text: string) => {
    bytes += Buffer.byteLength(text);
  });
  await client.initialize();
  const batch = Array.from({ length: runs }, (_, at) => ({ label: `run ${String(at)}` }));
  let reply = await call('start_run', {
    task_id: 'large',
    pipeline: 'numbers',
    cwd: fleet.work,
    runs: batch,
  });
  // As the server itself says to go on.
  for (;;) {
    const asked = /^poll_run (\{.*\})$/.exec(String(reply['next']))?.[1];
    if (asked === undefined) break;
    reply = await call('poll_run', JSON.parse(asked));
    for (const run of records(reply['runs'])) told.set(String(run['run_id']), run);
    if (reply['open'] === 0 && reply['more'] === false) break;
  }
}, 240_000);

afterAll(async () => {
  await client.end();
  await fleet.close();
}, 60_000);

describe('50 runs of 5 MB each, polled to the end', () => {
  it('send the parent 400 KiB at most', () => {
    expect([...told.values()].map((run) => run['status'])).toEqual(
      Array.from({ length: runs }, () => 'completed'),
    );
    expect(bytes).toBeLessThanOrEqual(400 * 1024);
  });

  it('summary payloads deliver preview arrays, and no payload beside them', () => {
    for (const run of told.values()) {
      const [handle] = records(run['handles']);
      expect(handle).toMatchObject({ stream: 'stdout', lines: numbers });
      expect(run['preview']).toMatch(/^stdout \(750000 lines, \d+ bytes\)\n/);
      expect(run['preview']).toContain(`${String(numbers)}: ${String(numbers)}`);
    }
    for (const { content, structuredContent } of results) {
      const [text, ...links] = records(content);
      expect(text?.['text']).toEqual(isRecord(structuredContent) ? structuredContent['next'] : '');
      expect(links.length).toBeLessThanOrEqual(maxLinks);
      expect(links.filter(({ type }) => type !== 'resource_link')).toEqual([]);
    }
  });

  it('link to handles that can be read as resources', async () => {
    const links = results.flatMap(({ content }) => records(content).filter(({ uri }) => uri !== undefined));
    const known = new Set([...told.keys()].map((runId) => `fleet://handles/${String(handleOf(runId))}`));
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter(({ uri }) => !known.has(String(uri)))).toEqual([]);
    opened = String(links[0]?.['uri']).slice('fleet://handles/'.length);
    client.send({ id: 'opened', method: 'resources/read', params: { uri: links[0]?.['uri'] } });
    const { result } = await client.answer('opened');
    const [page] = isRecord(result) ? records(result['contents']) : [];
    expect(page?.['text']).toMatch(/^1\n2\n3\n/);
  });

  it('exec events persist handle and sample metadata and never payloads, which lie behind handles alone', async () => {
    const middle = String(numbers / 2);
    const payload = new RegExp(`${middle}(?:\\n|\\\\n)${String(numbers / 2 + 1)}`);
    const holding = new Set<string>();
    const recorded = new Set<string>();
    for (const entry of await readdir(fleet.stateDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const place = relative(fleet.stateDir, file);
      const content = (await readFile(file)).toString('latin1');
      if (payload.test(content)) holding.add(/(?:^|\/)(handles|blobs|replicas)\//.exec(place)?.[1] ?? place);
      if (entry.name !== 'records.jsonl') continue;
      for (const line of content.split('\n')) {
        const hasSample = line.includes('"sha256"') && line.includes('"preview":"stdout (750000 lines');
        if (hasSample) recorded.add(/run_[\w-]{21}/.exec(line)?.[0] ?? '');
      }
    }
    expect([...holding].filter((place) => !['handles', 'blobs', 'replicas'].includes(place))).toEqual([]);
    expect(holding.size).toBeGreaterThan(0);
    expect(recorded.size).toBe(runs);
  });

  it('are counted by a tokenizer: what was told against what was printed', async () => {
    // Not the one of which a page was read as a resource.
    const first = [...told.keys()].find((runId) => handleOf(runId) !== opened);
    await call('read_handle', { handle_id: handleOf(first), mode: 'tail', count: 20 });
    const { stdout, code } = await fleet.cli('tokens', 'large', '--json');
    expect(code).toBe(0);
    const ledger: unknown = JSON.parse(stdout);
    const rows = isRecord(ledger) ? records(ledger['runs']) : [];
    expect(rows).toHaveLength(runs);
    const row = rows.find(({ run_id: runId }) => runId === first);
    expect(row?.['inline']).toMatchObject({ method: 'sampled' });
    expect(row?.['reached']).toMatchObject({ method: 'exact' });
    const [inline, reached] = [count(row?.['inline']), count(row?.['reached'])];
    // Numbers of six digits are two tokens each, the line end one more.
    expect(inline / (numbers * 3)).toBeGreaterThan(0.9);
    expect(inline / (numbers * 3)).toBeLessThan(1.1);
    const ours = results.flatMap(({ structuredContent: reply }) => {
      if (!isRecord(reply)) return [];
      return [...records(reply['runs']), reply].filter(
        (part) => part['run_id'] === first && part['position'] === undefined,
      );
    });
    const polled = ours.filter((part) => part['status'] !== 'pending' || part['handles'] !== undefined);
    const least = polled.reduce((sum, part) => sum + countTokens(JSON.stringify(part)), 0);
    expect(reached).toBeGreaterThanOrEqual(least);
    expect(reached).toBeLessThan(least * 1.2 + 100);
    expect(row?.['tokens_avoided']).toBe(inline - reached);
  }, 120_000);
});
