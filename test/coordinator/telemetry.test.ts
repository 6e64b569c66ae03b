import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { metrics } from '../../schemas/metrics.ts';
import { otlpReceiver, type OtlpReceiver, type ReceivedMetric } from '../helpers/otlp-receiver.ts';
import { eventually } from '../helpers/processes.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

/** Where an exporter sends that is told nothing (OTLP specification). */
const defaultPort = 4318;
const lines = 20_000;
const line = 'a line of some log\n';

const counted = z.object({ tokens: z.int(), method: z.enum(['exact', 'sampled']) });
const ledgerRow = z.object({ inline: counted, reached: counted, tokens_avoided: z.int() });
const ledger = z.object({ runs: z.array(ledgerRow) });

let receiver: OtlpReceiver;
let real: RealFleet;

async function open(port: number, env: (endpoint: string) => Record<string, string>): Promise<void> {
  receiver = await otlpReceiver(port);
  onTestFinished(() => receiver.close());
  real = await realFleet(config, env(receiver.endpoint));
  onTestFinished(() => real.close());
}

const config = {
  limits: { allow_degraded: ['disk'] },
  pipelines: {
    long: {
      // What nothing enforces strictly.
      limits: { disk_bytes: 1_000_000_000 },
      stages: [
        {
          name: 'print',
          engine: 'command',
          argv: [
            process.execPath,
            '-e',
            `process.stdout.write(${JSON.stringify(line)}.repeat(${String(lines)}))`,
          ],
        },
      ],
    },
    stay: {
      stages: [
        {
          name: 'stay',
          engine: 'command',
          argv: [process.execPath, '-e', 'console.log("jane@example.org"); setInterval(() => {}, 1e6)'],
        },
      ],
    },
    forbidden: { stages: [{ name: 'id', engine: 'command', argv: ['/usr/bin/id'] }] },
  },
};

/** Two runs that print, one that is refused, one whose worker dies; pages read, in bytes. */
async function work(): Promise<number> {
  const peer = await real.up();
  const cwd = real.fleet.work;
  await peer.call('start_run', { pipeline: 'long', cwd, task_id: 'long', runs: [{}, {}] });
  const ended = await pollToEnd(peer, 'long');
  expect(ended.map((run) => run.status)).toEqual(['completed', 'completed']);
  let read = 0;
  for (const run of ended) {
    const page = await peer.call('read_handle', { handle_id: run.handles?.[0]?.handle_id ?? '' });
    read += page.to_byte - page.from_byte;
  }
  await peer.call('start_run', { pipeline: 'forbidden', cwd, task_id: 'no' });
  await pollToEnd(peer, 'no');

  const started = await peer.call('start_run', { pipeline: 'stay', cwd, task_id: 'lost' });
  const ids = started.runs.map((run) => run.run_id);
  let worker: string | undefined;
  // Before its first output its worker may not have it yet.
  await expect
    .poll(
      async () => {
        const { runs } = await peer.call('poll_run', { run_ids: ids });
        worker = runs[0]?.worker;
        return runs[0]?.ttfu_ms;
      },
      { timeout: 10_000 },
    )
    .toBeDefined();
  // The caller's mistake, which its worker answers.
  await expect(peer.call('resume_run', { run_id: ids[0] ?? '', answer: 'accept' })).rejects.toThrow(
    'asks nothing',
  );
  process.kill(real.processes().find(({ name }) => name === worker)?.pid ?? 0, 'SIGKILL');
  await pollToEnd(peer, 'lost');
  return read;
}

function pointsOf(name: keyof typeof metrics): NonNullable<ReceivedMetric['sum']>['dataPoints'] {
  const metric = receiver.latest.get(name);
  return (metric?.sum ?? metric?.histogram)?.dataPoints ?? [];
}

function total(name: keyof typeof metrics): number {
  return pointsOf(name).reduce((sum, point) => sum + (point.asInt ?? point.asDouble ?? point.count ?? 0), 0);
}

/** What was printed less what was told, as the tokenizer counts them here, and as the ledger has them. */
async function tokensAreMeasured(): Promise<void> {
  const rows: z.infer<typeof ledgerRow>[] = [];
  const printed = 2 * countTokens(line.repeat(lines));
  const inlineOf = (): number =>
    pointsOf('codex.tokens_avoided').reduce(
      (sum, { asInt, asDouble = 0 }) => sum + Math.max(0, asInt ?? asDouble),
      0,
    );
  await eventually(() => inlineOf() > printed * 0.9, 20_000);
  for (const task of ['long', 'no', 'lost']) {
    const { stdout } = await real.fleet.cli('tokens', task, '--json');
    rows.push(...ledger.parse(JSON.parse(stdout)).runs);
  }
  const sum = (of: (row: z.infer<typeof ledgerRow>) => number): number =>
    rows.reduce((all, row) => all + of(row), 0);
  const inline = sum((row) => row.inline.tokens);
  expect(Math.abs(inline - printed) / printed).toBeLessThan(0.01);
  expect(sum((row) => row.reached.tokens)).toBeGreaterThan(500);
  await eventually(() => total('codex.tokens_avoided') === sum((row) => row.tokens_avoided), 20_000);
  const methods = pointsOf('codex.tokens_avoided').flatMap(({ attributes }) => attributes);
  expect(
    new Set(methods.filter(({ key }) => key === 'method').map(({ value }) => value.stringValue)),
  ).toEqual(new Set(['exact', 'sampled']));
}

/** Only a coding agent asks for more than it was started with: measure.test.ts. */
const sent = Object.entries(metrics).filter(([name]) => name !== 'codex.escalations');

function codes(): string[] {
  const all = pointsOf('codex.worker_error').flatMap(({ attributes }) => attributes);
  return all.filter(({ key }) => key === 'code').map(({ value }) => value.stringValue);
}

describe('a fleet that is told where', () => {
  it('sends every metric of the table, with its unit and attributes', { timeout: 90_000 }, async () => {
    await open(0, (endpoint) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_METRIC_EXPORT_INTERVAL: '200',
    }));
    const read = await work();
    await eventually(() => codes().includes('lost'), 10_000);
    for (const [name, { kind, unit, description, attributes }] of sent) {
      const told = receiver.latest.get(name);
      expect(told, name).toMatchObject({ unit, description });
      if (kind !== 'histogram') expect(told?.sum?.isMonotonic, name).toBe(kind === 'counter');
      const points = (kind === 'histogram' ? told?.histogram : told?.sum)?.dataPoints ?? [];
      expect(points.length, name).toBeGreaterThan(0);
      for (const point of points) {
        expect(point.attributes.map(({ key }) => key).toSorted(), name).toEqual([...attributes].toSorted());
      }
    }
    expect([...receiver.latest.keys()].toSorted()).toEqual(sent.map(([name]) => name).toSorted());
    expect(new Set(receiver.paths)).toEqual(new Set(['/v1/metrics']));

    // Two that printed, one that was refused, one that was lost.
    expect(total('codex.worker_queue_ms')).toBe(4);
    expect(total('codex.remote_ttfu_ms')).toBe(3);
    expect(total('codex.bytes_transferred')).toBe(read);
    await tokensAreMeasured();
    expect(codes()).toEqual(expect.arrayContaining(['COMMAND_NOT_ALLOWED', 'lost']));
    expect(codes()).not.toContain('WRONG_STATE');
    expect(total('codex.values_replaced')).toBe(1);
    expect(total('codex.degraded_layers')).toBe(2);
  });

  it('sends the last of it when it goes down', { timeout: 60_000 }, async () => {
    await open(0, (endpoint) => ({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${endpoint}/v1/metrics` }));
    const peer = await real.up();
    await peer.call('start_run', { pipeline: 'long', cwd: real.fleet.work, task_id: 'long' });
    await pollToEnd(peer, 'long');
    expect(receiver.paths).toEqual([]);
    await real.fleet.cli('down');
    expect(receiver.paths).toEqual(['/v1/metrics']);
    expect(total('codex.worker_queue_ms')).toBe(1);
  });
});

describe('a fleet that is not', () => {
  it('sends nothing', { timeout: 90_000 }, async () => {
    await open(defaultPort, () => ({ OTEL_METRIC_EXPORT_INTERVAL: '100' }));
    await work();
    await real.fleet.cli('down');
    expect(receiver.paths).toEqual([]);
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric', async () => {
    const text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'metrics.md'), 'utf8');
    for (const [name, { unit, description, attributes }] of Object.entries(metrics)) {
      const row = text.split('\n').find((one) => one.includes(`\`${name}\``));
      for (const part of [unit, description, ...attributes]) expect(row).toContain(part);
    }
  });
});
